// Canonical request paths (router.md §6 rule 0). Decoded once; what cannot be decoded or hides a separator is refused
// instead of guessed at.

declare const brand: unique symbol;
/** A decoded path without dot segments and doubled slashes, starting with `/`. */
export type NormalisedPath = string & { readonly [brand]: 'NormalisedPath' };

export type PathReading =
  | { readonly kind: 'canonical'; readonly path: NormalisedPath }
  /** The client is sent to the clean form, still encoded, query kept. */
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'refused' };

/** What most requests look like: nothing to decode, no dot segment, no empty one, no query. */
const plain = /^\/(?:[\w~-][\w~.-]*\/)*(?:[\w~-][\w~.-]*)?$/;

/** @param target the request target as received: path and optional query */
export function readPath(target: string): PathReading {
  if (plain.test(target)) return { kind: 'canonical', path: target as NormalisedPath };
  const queryAt = target.indexOf('?');
  const raw = queryAt === -1 ? target : target.slice(0, queryAt);
  const query = queryAt === -1 ? '' : target.slice(queryAt);
  const decoded = decode(raw);
  if (decoded === undefined) return { kind: 'refused' };
  const cleanRaw = clean(raw);
  if (cleanRaw !== raw) return { kind: 'redirect', location: cleanRaw + query };
  const cleanDecoded = clean(decoded);
  // Dot segments that only appear after decoding: a browser never sends them, so nobody is sent on to a clean form.
  if (cleanDecoded !== decoded) return { kind: 'refused' };
  return { kind: 'canonical', path: decoded as NormalisedPath };
}

function decode(raw: string): string | undefined {
  if (/%2f|%5c|%00|\\|\0/i.test(raw)) return undefined;
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined; // not UTF-8 after decoding
  }
}

/** Removes empty and dot segments, keeps a trailing slash (RFC 3986 §5.2.4). */
function clean(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const trailing = /(?:\/|\/\.{1,2})$/.test(path) && kept.length > 0 ? '/' : '';
  return `/${kept.join('/')}${trailing}`;
}
