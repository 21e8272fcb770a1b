// The reference of tokens.ts: oidc-provider by itself, tokens in memory, one client, JWT access tokens signed by
// RS256 (4096 bits) or ES256. Prints its port on one line.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

const isRsa = process.argv[2] === 'rsa';
const alg = isRsa ? 'RS256' : 'ES256';
const { privateKey } = isRsa
  ? generateKeyPairSync('rsa', { modulusLength: 4096 })
  : generateKeyPairSync('ec', { namedCurve: 'P-256' });
const provider = new Provider('http://127.0.0.1', {
  clients: [
    {
      client_id: 'bench',
      client_secret: 'secret',
      id_token_signed_response_alg: alg,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
  ],
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
const server = provider.listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`${(server.address() as AddressInfo).port}\n`); // a TCP server's address
