// Signs what clients get: by the provider's certificate, or HS256 with the client secret without one (core.md §17.3). With an
// encryption key every token is a nested JWE.
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { CompactEncrypt, exportJWK, type JWTPayload, jwtVerify } from 'jose';
import { keyId } from '../crypto/certificates.ts';
import { remembered } from '../database/remembered.ts';
import type { CoreDeps } from '../deps.ts';
import { coreError } from '../errors.ts';
import type { Client } from './client.ts';
import { signCompact } from './jws.ts';

interface KeyPair {
  readonly key: KeyObject;
  readonly kid: string;
  readonly certificate: X509Certificate;
}

const curves: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };

/** Parsed once: reading an RSA key costs as much as using it. */
const pairOf = remembered(async ({ database }: CoreDeps, uuid): Promise<KeyPair | undefined> => {
  const row = await database.kysely
    .selectFrom('certificates')
    .select(['certificate_data', 'key_data'])
    .where('uuid', '=', uuid)
    .executeTakeFirst();
  if (row === undefined || row.key_data === '') return undefined;
  return {
    key: createPrivateKey(row.key_data),
    kid: keyId(row.key_data),
    certificate: new X509Certificate(row.certificate_data),
  };
});

interface Signer {
  readonly alg: string;
  readonly key: KeyObject | Uint8Array;
  readonly pair: KeyPair | undefined;
}

async function signerOf(deps: CoreDeps, client: Client): Promise<Signer> {
  if (client.signing_key === null)
    return { alg: 'HS256', key: new TextEncoder().encode(client.client_secret), pair: undefined };
  const pair = await pairOf(deps, client.signing_key);
  const alg = pair === undefined ? undefined : algorithmFor(pair.key);
  if (pair === undefined || alg === undefined) throw noKey(client, 'signing', 'an RSA or EC key pair');
  return { alg, key: pair.key, pair };
}

function algorithmFor(key: KeyObject): string | undefined {
  return key.asymmetricKeyType === 'rsa' ? 'RS256' : curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
}

function noKey({ name }: Client, use: string, wanted: string) {
  return coreError('ERR_CORE_FLOW', `Provider ${name} has no usable ${use} key.`, `Choose ${wanted}.`);
}

/** @param typ type of the token, where it is not a plain one */
export async function sign(deps: CoreDeps, client: Client, payload: JWTPayload, typ = 'JWT'): Promise<string> {
  const { alg, key, pair } = await signerOf(deps, client);
  const header = { alg, typ, ...(pair === undefined ? {} : { kid: pair.kid }) };
  const signed = await signCompact(header, payload, key);
  return client.encryption_key === null ? signed : encrypt(deps, client, client.encryption_key, signed);
}

export const encryption = { alg: 'RSA-OAEP-256', enc: 'A256CBC-HS512' } as const;

async function encrypt(deps: CoreDeps, client: Client, uuid: string, signed: string): Promise<string> {
  const pair = await pairOf(deps, uuid);
  if (pair?.key.asymmetricKeyType !== 'rsa') throw noKey(client, 'encryption', 'an RSA key pair');
  return new CompactEncrypt(new TextEncoder().encode(signed))
    .setProtectedHeader({ ...encryption, cty: 'JWT', typ: 'JWT', kid: pair.kid })
    .encrypt(pair.certificate.publicKey);
}

/** Whether a token was signed for this client, however long ago; encrypted ones are nobody's to show. */
export async function verifies(deps: CoreDeps, client: Client, token: string): Promise<boolean> {
  const { alg, key, pair } = await signerOf(deps, client);
  try {
    await jwtVerify(token, pair?.certificate.publicKey ?? key, {
      algorithms: [alg],
      audience: client.client_id,
      currentDate: new Date(0),
    });
    return true;
  } catch {
    return false; // forged, or another client's
  }
}

export async function algorithmOf(deps: CoreDeps, client: Client): Promise<string> {
  return (await signerOf(deps, client)).alg;
}

/** `{}` without a certificate: a shared secret is never published. */
export async function keySetOf(deps: CoreDeps, client: Client): Promise<object> {
  const keys: object[] = [];
  const { alg, pair } = await signerOf(deps, client);
  if (pair !== undefined) keys.push({ ...(await publicKey(pair)), use: 'sig', alg });
  const forEncryption = client.encryption_key === null ? undefined : await pairOf(deps, client.encryption_key);
  if (forEncryption !== undefined) keys.push({ ...(await publicKey(forEncryption)), use: 'enc', ...encryption });
  return keys.length === 0 ? {} : { keys };
}

async function publicKey({ certificate, kid }: KeyPair): Promise<object> {
  const thumbprint = (algorithm: string) => createHash(algorithm).update(certificate.raw).digest('base64url');
  return {
    ...(await exportJWK(certificate.publicKey)),
    kid,
    x5c: [certificate.raw.toString('base64')],
    x5t: thumbprint('sha1'),
    'x5t#S256': thumbprint('sha256'),
  };
}
