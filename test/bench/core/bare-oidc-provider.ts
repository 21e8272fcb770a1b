// The references of tokens.ts: oidc-provider by itself, one client, JWT access tokens signed by RS256 (4096 bits) or ES256.
// Alone, its client stands in its configuration and nothing is kept. With the connection settings of a PostgreSQL it runs as in
// production: clients come through an adapter with each request, as its documentation has clients that somebody administers,
// and each token is kept by the same adapter before it is answered, since one that is not kept can be neither revoked nor
// introspected. Like ours, its tokens do not wait for the disk. Prints its port on one line.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import Provider, { type Adapter, type AdapterPayload } from 'oidc-provider';
import pg from 'pg';

const [kind, settings] = process.argv.slice(2);
const isRsa = kind === 'rsa';
const alg = isRsa ? 'RS256' : 'ES256';
const { privateKey } = isRsa
  ? generateKeyPairSync('rsa', { modulusLength: 4096 })
  : generateKeyPairSync('ec', { namedCurve: 'P-256' });
const client = {
  client_id: 'bench',
  client_secret: 'secret',
  id_token_signed_response_alg: alg,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
} as const;
const adapters = settings === undefined ? undefined : await openAdapters(settings);
await adapters?.('Client').upsert(client.client_id, { ...client }, 0);

const provider = new Provider('http://127.0.0.1', {
  ...(adapters === undefined ? { clients: [{ ...client }] } : { adapter: adapters }),
  jwks: {
    keys: [{ ...privateKey.export({ format: 'jwk' }), kty: isRsa ? 'RSA' : 'EC', alg, use: 'sig', kid: 'bench' }],
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:bench',
      getResourceServerInfo: () => ({
        scope: '',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 3600,
        jwt: { sign: { alg } },
      }),
    },
  },
});
if (adapters !== undefined) {
  const tokens = adapters('ClientCredentials');
  provider.use(async (ctx, next) => {
    await next();
    const token = ctx['oidc'].entities.ClientCredentials;
    if (typeof token.jti !== 'string') throw new Error('A token without a name cannot be kept.');
    await tokens.upsert(token.jti, { ...token, kind: 'ClientCredentials' }, 3600);
  });
}
const server = provider.listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`${(server.address() as AddressInfo).port}\n`); // a TCP server's address

/** The least an adapter can be: one table, a prepared statement for each thing that is asked here. */
async function openAdapters(connection: string): Promise<(model: string) => Adapter> {
  const pool = new pg.Pool({ ...JSON.parse(connection), max: 20, options: '-c synchronous_commit=off' });
  await pool.query(`drop table if exists bench_oidc_provider;
    create table bench_oidc_provider (model text, id text, payload jsonb not null, expires timestamptz, primary key (model, id))`);
  const refuse = async () => {
    throw new Error('Nothing of this benchmark asks for it.');
  };
  return (model) => ({
    async upsert(id: string, payload: AdapterPayload, expiresIn: number) {
      const expires = expiresIn === 0 ? null : new Date(Date.now() + expiresIn * 1000);
      const text = `insert into bench_oidc_provider values ($1, $2, $3, $4)
        on conflict (model, id) do update set payload = excluded.payload, expires = excluded.expires`;
      await pool.query({ name: 'upsert', text, values: [model, id, JSON.stringify(payload), expires] });
    },
    async find(id: string) {
      const text = 'select payload from bench_oidc_provider where model = $1 and id = $2';
      return (await pool.query({ name: 'find', text, values: [model, id] })).rows[0]?.payload;
    },
    findByUserCode: refuse,
    findByUid: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  });
}
