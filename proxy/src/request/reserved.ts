// Paths below `/outpost.goauthentik.io` (proxy.md §3), recognised on the normalised path: nginx routes by what the path
// means, so a prefix test on the raw text would let `/outpost.goauthentik.io/../admin` through (case 58).
import { queryValue, type TargetUri } from './target-uri.ts';

export const prefix = '/outpost.goauthentik.io';

declare const brand: unique symbol;
/** Proof that a target lies below the prefix, however it is written; made by {@link reservedTarget} only. */
export interface ReservedTarget {
  readonly [brand]: 'ReservedTarget';
}

const reserved = new WeakSet<object>();

/** @returns proof for the prefix itself and what is below it, when raw, decoded and normalised path agree on that */
export function reservedTarget(target: TargetUri): ReservedTarget | undefined {
  const views = [target.rawPath, target.decodedPath, target.path];
  if (!views.every((view) => view !== undefined && isBelow(view))) return undefined;
  const proof = {} as ReservedTarget; // the one constructor of the brand
  reserved.add(proof);
  return proof;
}

export function isReservedTarget(value: object): value is ReservedTarget {
  return reserved.has(value);
}

export type Signature = 'callback' | 'logout';

/** The query signatures that make any path a callback or a sign-out; the core appends its error to the value (§6.5). */
export function signatureOf(target: TargetUri): Signature | undefined {
  if (target.rawQuery?.includes('X-authentik-') !== true) return undefined;
  const callback = queryValue(target, 'X-authentik-auth-callback');
  if (callback !== undefined && /^true(?:\?error=.*)?$/is.test(callback)) return 'callback';
  return queryValue(target, 'X-authentik-logout')?.toLowerCase() === 'true' ? 'logout' : undefined;
}

function isBelow(path: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}
