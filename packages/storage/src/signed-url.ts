// Signed local URLs (files.md §7.2, §7.4). Signing is deterministic per time window, so the same name has the same URL in
// every process during a window, without any cache, and at least two thirds of its life left when handed out.
// Called by the file backend (signing) and the router (verification).
import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Usage } from './usages.ts';

/** Seconds by which a token is valid before its window starts: clocks differ. */
const notBeforeSlackS = 15;
/** Good tokens that need no second look at their signature. */
const mostRemembered = 4_096;

/** The path part that a token is bound to: `<usage>/<tenant>/<name>`, decoded. */
export type SignedPath = `${Usage}/${string}`;

export interface UrlSigner {
  /** A token for one path, valid until the end of the window's life. */
  sign(path: SignedPath, nowMs: number): Promise<string>;
  /** True only for an unexpired HS256 token of this usage that was made for exactly this path. */
  verify(token: string, path: SignedPath, nowMs: number): Promise<boolean>;
  /**
   * As `verify`, but says how many seconds the token is still good for; `undefined` when it is not good at all. Without a
   * promise where this very token was good before: the same URL is asked for again and again.
   */
  remainingS(token: string, path: SignedPath, nowMs: number): Promise<number | undefined> | number | undefined;
}

/** Key derivation shared by signer and verifier: lower-case hex SHA-256 of `<secret_key>:<usage>`, as ASCII. */
export function signingKey(secretKey: string, usage: Usage): Uint8Array {
  return new TextEncoder().encode(createHash('sha256').update(`${secretKey}:${usage}`, 'utf8').digest('hex'));
}

/** @param lifeMs how long a URL lives from the start of its window; the window is a third of it */
export function createUrlSigner(key: Uint8Array, lifeMs: number): UrlSigner {
  const secret = createSecretKey(key); // once: as bytes it would be imported for every token
  const good = new Map<string, Claims>();
  const remainingS: UrlSigner['remainingS'] = (token, path, nowMs) => {
    const held = good.get(token);
    if (held !== undefined) return leftS(held, path, nowMs);
    return verified(token, secret, nowMs).then((claims) => {
      if (claims === undefined) return undefined;
      if (good.size >= mostRemembered) good.clear();
      good.set(token, claims);
      return leftS(claims, path, nowMs);
    });
  };
  return {
    sign(path, nowMs) {
      const { startMs, endMs } = signingWindow(nowMs, lifeMs);
      const claims = { path, exp: Math.floor(endMs / 1000), nbf: Math.floor(startMs / 1000) - notBeforeSlackS };
      return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(secret);
    },
    verify: async (token, path, nowMs) => (await remainingS(token, path, nowMs)) !== undefined,
    remainingS,
  };
}

export interface SignedTarget {
  readonly path: SignedPath;
  readonly webPath: string;
  readonly nowMs: number;
}

/** Path and query that open a file at the router. */
export async function signedTarget(signer: UrlSigner, { path, webPath, nowMs }: SignedTarget): Promise<string> {
  const escaped = path.split('/').map(encodeURIComponent).join('/');
  return `${webPath}files/${escaped}?token=${await signer.sign(path, nowMs)}`;
}

/** What a good token says. */
interface Claims {
  readonly path: unknown;
  readonly expS: number;
}

async function verified(token: string, key: KeyObject, nowMs: number): Promise<Claims | undefined> {
  try {
    const checks = { algorithms: ['HS256'], requiredClaims: ['exp', 'path'], currentDate: new Date(nowMs) };
    const { payload } = await jwtVerify(token, key, checks);
    return { path: payload['path'], expS: payload.exp ?? 0 };
  } catch {
    return undefined; // whatever is wrong with a token, the answer is that of a missing file
  }
}

function leftS({ path, expS }: Claims, asked: SignedPath, nowMs: number): number | undefined {
  const left = expS - Math.floor(nowMs / 1000);
  return path === asked && left > 0 ? left : undefined;
}

/** The window that `nowMs` falls into, and the end of the life of what is signed in it. */
export function signingWindow(nowMs: number, lifeMs: number): { startMs: number; endMs: number } {
  const lengthMs = Math.max(1000, Math.floor(lifeMs / 3));
  const startMs = Math.floor(nowMs / lengthMs) * lengthMs;
  return { startMs, endMs: startMs + lifeMs };
}
