// Signs what clients get: by the provider's certificate, or HS256 with the client secret without one (core.md §17.3).
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { exportJWK, type JWTPayload, SignJWT } from 'jose';
import { keyId } from '../crypto/certificates.ts';
import type { CoreDeps } from '../deps.ts';
import { coreError } from '../errors.ts';
import type { Client } from './client.ts';

interface Signer {
  readonly alg: string;
  readonly key: KeyObject | Uint8Array;
  readonly kid: string | undefined;
  readonly certificate: X509Certificate | undefined;
}

const curves: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };

async function signerOf({ database }: CoreDeps, client: Client): Promise<Signer> {
  if (client.signing_key === null) {
    const key = new TextEncoder().encode(client.client_secret);
    return { alg: 'HS256', key, kid: undefined, certificate: undefined };
  }
  const pair = await database.kysely
    .selectFrom('certificates')
    .select(['certificate_data', 'key_data'])
    .where('uuid', '=', client.signing_key)
    .executeTakeFirst();
  const key = pair === undefined || pair.key_data === '' ? undefined : createPrivateKey(pair.key_data);
  const alg = key?.asymmetricKeyType === 'rsa' ? 'RS256' : curves[key?.asymmetricKeyDetails?.namedCurve ?? ''];
  if (pair === undefined || key === undefined || alg === undefined)
    throw coreError(
      'ERR_CORE_FLOW',
      `Provider ${client.name} has no usable signing key.`,
      'Choose an RSA or EC key pair.',
    );
  return { alg, key, kid: keyId(pair.key_data), certificate: new X509Certificate(pair.certificate_data) };
}

export async function sign(deps: CoreDeps, client: Client, payload: JWTPayload): Promise<string> {
  const { alg, key, kid } = await signerOf(deps, client);
  const header = { alg, typ: 'JWT', ...(kid === undefined ? {} : { kid }) };
  return new SignJWT(payload).setProtectedHeader(header).sign(key);
}

export async function algorithmOf(deps: CoreDeps, client: Client): Promise<string> {
  return (await signerOf(deps, client)).alg;
}

/** `{}` without a certificate: a shared secret is never published. */
export async function keySetOf(deps: CoreDeps, client: Client): Promise<object> {
  const { alg, kid, certificate } = await signerOf(deps, client);
  if (kid === undefined || certificate === undefined) return {};
  const jwk = await exportJWK(certificate.publicKey);
  return { keys: [{ ...jwk, kid, use: 'sig', alg, x5c: [certificate.raw.toString('base64')] }] };
}
