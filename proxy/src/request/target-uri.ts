// The target URI of a request (RFC 9110 §7.1): reconstructed once, from the connection or from the headers that the mode
// trusts, and then the same object for host look-up, skip rules, redirects and forwarding. Two views of one request that
// differ are how access controls are passed (CVE-2023-33189, GHSA-qvp4-rpmr-xwrr), so nothing else reads request.url.
import { type Authority, formatAuthority, parseAuthority, type Scheme } from './host-name.ts';
import { decodeOnce, type NormalisedPath, normalisePath } from './path.ts';

export interface TargetUri {
  readonly scheme: Scheme;
  readonly authority: Authority;
  /** Scheme, host and non-default port. */
  readonly origin: string;
  /** Byte for byte as received; begins with `/`. */
  readonly rawPath: string;
  /** Without the question mark; `undefined` when there was none. */
  readonly rawQuery: string | undefined;
  /** Path and query as received. */
  readonly rawTarget: string;
  /** Decoded once but not resolved; `undefined` when that is impossible. */
  readonly decodedPath: string | undefined;
  /** What decisions are made on; `undefined` with `decodedPath`. */
  readonly path: NormalisedPath | undefined;
}

/** Longest request target that is taken; longer ones are no target at all. */
const maxTargetLength = 64 * 1024;

/**
 * @param authority `Host`, or the header that stands for it
 * @param target path and query, as received
 * @returns `undefined` for anything a browser could not have sent: then the request is refused
 */
export function targetUri(scheme: Scheme, authority: string, target: string): TargetUri | undefined {
  const parsed = parseAuthority(authority);
  return parsed === undefined || !isOriginForm(target) ? undefined : new ReceivedTarget(scheme, parsed, target);
}

/** Views are made when they are asked for: most requests have a session and need none. */
class ReceivedTarget implements TargetUri {
  readonly scheme: Scheme;
  readonly authority: Authority;
  readonly rawTarget: string;
  readonly rawPath: string;
  readonly rawQuery: string | undefined;
  #decoded: { readonly path: string | undefined } | undefined;

  constructor(scheme: Scheme, authority: Authority, target: string) {
    const mark = target.indexOf('?');
    this.scheme = scheme;
    this.authority = authority;
    this.rawTarget = target;
    this.rawPath = mark === -1 ? target : target.slice(0, mark);
    this.rawQuery = mark === -1 ? undefined : target.slice(mark + 1);
  }

  get origin(): string {
    return `${this.scheme}://${formatAuthority(this.authority, this.scheme)}`;
  }

  get decodedPath(): string | undefined {
    this.#decoded ??= { path: decodeOnce(this.rawPath) };
    return this.#decoded.path;
  }

  get path(): NormalisedPath | undefined {
    const decoded = this.decodedPath;
    return decoded === undefined ? undefined : normalisePath(decoded);
  }
}

/** Reads an absolute URL as text, without the repairs that `URL` would make to its path. */
export function absoluteTargetUri(url: string): TargetUri | undefined {
  const match = /^(https?):\/\/([^/?#\\]+)(.*)$/is.exec(url);
  const scheme = match?.[1]?.toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return undefined;
  const rest = match?.[3] ?? '';
  if (rest.startsWith('/')) return targetUri(scheme, match?.[2] ?? '', rest);
  return rest === '' || rest.startsWith('?') ? targetUri(scheme, match?.[2] ?? '', `/${rest}`) : undefined;
}

/** The whole URI in ASCII: path and query as received, but bytes beyond ASCII percent-encoded. */
export function hrefOf(target: TargetUri): string {
  return target.origin + asciiTarget(target);
}

/** Path and query with bytes beyond ASCII percent-encoded, nothing else changed. */
export function asciiTarget({ rawTarget }: TargetUri): string {
  return rawTarget.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** First value of a query parameter; names are case-sensitive. */
export function queryValue(target: TargetUri, name: string): string | undefined {
  if (target.rawQuery === undefined || !target.rawQuery.includes(name)) return undefined;
  return new URLSearchParams(target.rawQuery).get(name) ?? undefined;
}

/** Origin form of RFC 9112 §3.2.1: no fragment, blank or control character anywhere. */
export function isOriginForm(target: string): boolean {
  return target.startsWith('/') && target.length <= maxTargetLength && /^\/[!-"$-~\x80-\xff]*$/.test(target);
}
