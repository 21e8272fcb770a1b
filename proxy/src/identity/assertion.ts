// A signed assertion for applications (proxy.md §17.16): unlike the access token, which is a credential and is signed with
// the client secret, an application can verify this one and cannot replay it here. ES256; the key is derived from the
// provider's cookie secret, so that all replicas and every restart have the same one, and it changes with that secret.
import { createECDH, createHash, createPrivateKey, hkdfSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { VerifiedIdentity } from '../authentication/identity.ts';
import { type HeaderBlock, headerBlock } from './header-block.ts';

export const assertionHeader = 'X-Authentik-Assertion';

export interface AssertionKey {
  readonly privateKey: KeyObject;
  /** Public part as a member of a JSON Web Key Set (RFC 7517). */
  readonly publicJwk: Readonly<Record<string, string>>;
}

export interface Asserter {
  /** The identity's headers with an assertion at `nowMs` behind them; the same block for four minutes. */
  headers(identity: VerifiedIdentity, nowMs: number): HeaderBlock;
  readonly publicJwk: AssertionKey['publicJwk'];
}

const lifeS = 300;
const renewAfterMs = 240_000;

/** @param names `issuer` is the application's public origin, `audience` what it is reached as */
export function createAsserter(
  secret: string,
  names: { readonly issuer: string; readonly audience: string },
): Asserter {
  let key: AssertionKey | undefined;
  const made = new WeakMap<VerifiedIdentity, { readonly block: HeaderBlock; readonly atMs: number }>();
  const keyOf = () => {
    key ??= deriveKey(secret);
    return key;
  };
  return {
    get publicJwk() {
      return keyOf().publicJwk;
    },
    headers(identity, nowMs) {
      const before = made.get(identity);
      if (before !== undefined && nowMs - before.atMs < renewAfterMs) return before.block;
      const assertion = signAssertion(keyOf(), identity, names, nowMs);
      const block = headerBlock([...identity.identityHeaders, assertionHeader, assertion]);
      made.set(identity, { block, atMs: nowMs });
      return block;
    },
  };
}

function signAssertion(
  { privateKey, publicJwk }: AssertionKey,
  { claims, expiresAtMs }: VerifiedIdentity,
  { issuer, audience }: { readonly issuer: string; readonly audience: string },
  nowMs: number,
): string {
  const iat = Math.floor(nowMs / 1000);
  const payload = {
    iss: issuer,
    aud: audience,
    sub: claims.sub,
    email: claims.email,
    name: claims.name,
    preferred_username: claims.preferredUsername,
    groups: claims.groups,
    entitlements: claims.entitlements,
    ...(claims.sid === undefined ? {} : { sid: createHash('sha256').update(claims.sid).digest('hex') }),
    iat,
    exp: Math.min(iat + lifeS, Math.floor(expiresAtMs / 1000)),
    jti: randomBytes(16).toString('base64url'),
  };
  const text = `${encode({ alg: 'ES256', typ: 'JWT', kid: publicJwk['kid'] })}.${encode(payload)}`;
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

/** A scalar below the curve's order is found at the first try but for one secret in four thousand million. */
function deriveKey(secret: string): AssertionKey {
  for (let attempt = 0; ; attempt++) {
    const scalar = Buffer.from(
      hkdfSync('sha256', Buffer.from(secret, 'utf8'), Buffer.alloc(0), `assertion ${attempt}`, 32),
    );
    const point = publicPoint(scalar);
    if (point === undefined) continue;
    const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
    const jwk = { kty: 'EC', crv: 'P-256', x, y };
    // RFC 7638: the members in this order are what a thumbprint is made of.
    const thumbprint = createHash('sha256')
      .update(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }))
      .digest('base64url');
    return {
      privateKey: createPrivateKey({ format: 'jwk', key: { ...jwk, d: scalar.toString('base64url') } }),
      publicJwk: { ...jwk, kid: thumbprint, use: 'sig', alg: 'ES256' },
    };
  }
}

function publicPoint(scalar: Buffer): Buffer | undefined {
  const curve = createECDH('prime256v1');
  try {
    curve.setPrivateKey(scalar);
    return curve.getPublicKey();
  } catch {
    return undefined; // not below the order: the caller takes another
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}
