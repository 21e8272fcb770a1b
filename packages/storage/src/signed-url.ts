// Signed local URLs (files.md §7.2, §7.4). Signing is deterministic per time window, so the same name has the same URL in
// every process during a window, without any cache, and at least two thirds of its life left when handed out.
// Called by the file backend (signing) and the router (verification).
import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Usage } from './usages.ts';

/** Seconds by which a token is valid before its window starts: clocks differ. */
const notBeforeSlackS = 15;

/** The path part that a token is bound to: `<usage>/<tenant>/<name>`, decoded. */
export type SignedPath = `${Usage}/${string}`;

export interface UrlSigner {
  /** A token for one path, valid until the end of the window's life. */
  sign(path: SignedPath, nowMs: number): Promise<string>;
  /** True only for an unexpired HS256 token of this usage that was made for exactly this path. */
  verify(token: string, path: SignedPath, nowMs: number): Promise<boolean>;
  /** As `verify`, but says how many seconds the token is still good for; `undefined` when it is not good at all. */
  remainingS(token: string, path: SignedPath, nowMs: number): Promise<number | undefined>;
}

/** Key derivation shared by signer and verifier: lower-case hex SHA-256 of `<secret_key>:<usage>`, as ASCII. */
export function signingKey(secretKey: string, usage: Usage): Uint8Array {
  return new TextEncoder().encode(createHash('sha256').update(`${secretKey}:${usage}`, 'utf8').digest('hex'));
}

/** @param lifeMs how long a URL lives from the start of its window; the window is a third of it */
export function createUrlSigner(key: Uint8Array, lifeMs: number): UrlSigner {
  const secret = createSecretKey(key); // once: as bytes it would be imported for every token
  return {
    sign(path, nowMs) {
      const { startMs, endMs } = signingWindow(nowMs, lifeMs);
      const claims = { path, exp: Math.floor(endMs / 1000), nbf: Math.floor(startMs / 1000) - notBeforeSlackS };
      return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(secret);
    },
    verify: async (token, path, nowMs) => (await remainingLife(token, path, secret, nowMs)) !== undefined,
    remainingS: (token, path, nowMs) => remainingLife(token, path, secret, nowMs),
  };
}

async function remainingLife(token: string, path: SignedPath, key: KeyObject, nowMs: number) {
  try {
    const checks = { algorithms: ['HS256'], requiredClaims: ['exp', 'path'], currentDate: new Date(nowMs) };
    const { payload } = await jwtVerify(token, key, checks);
    return payload['path'] === path ? Math.max(0, (payload.exp ?? 0) - Math.floor(nowMs / 1000)) : undefined;
  } catch {
    return undefined; // whatever is wrong with a token, the answer is that of a missing file
  }
}

/** The window that `nowMs` falls into, and the end of the life of what is signed in it. */
export function signingWindow(nowMs: number, lifeMs: number): { startMs: number; endMs: number } {
  const lengthMs = Math.max(1000, Math.floor(lifeMs / 3));
  const startMs = Math.floor(nowMs / lengthMs) * lengthMs;
  return { startMs, endMs: startMs + lifeMs };
}
