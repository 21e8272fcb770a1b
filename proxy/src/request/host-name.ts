// Host and port as they are compared (proxy.md §2.4): lower case, no trailing dot, the port apart. Everything that is no
// host, such as user info, blanks or a second colon, is refused instead of guessed at.

export interface Authority {
  /** Lower case, without trailing dot; IPv6 in brackets. */
  readonly host: string;
  readonly port: number | undefined;
}

export type Scheme = 'http' | 'https';

export const defaultPort = { http: 80, https: 443 } as const satisfies Record<Scheme, number>;

/** Texts that were parsed before: a proxy sees the same few hosts over and over. */
const parsed = new Map<string, Authority>();
const mostParsed = 10_000;

/** Reads `host`, `host:port` or `[v6]:port`; the first element of a comma list. */
export function parseAuthority(given: string): Authority | undefined {
  const known = parsed.get(given);
  if (known !== undefined) return known;
  const authority = readAuthority(given);
  if (authority === undefined || given.length > 300) return authority;
  if (parsed.size >= mostParsed) parsed.clear();
  parsed.set(given, authority);
  return authority;
}

function readAuthority(given: string): Authority | undefined {
  const first = given.split(',')[0]?.trim().toLowerCase() ?? '';
  const match = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/.exec(first);
  const host = match?.[1]?.replace(/\.$/, '');
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  if (host === undefined || host === '' || host.includes('..') || host.length > 255) return undefined;
  if (port !== undefined && (port > 65_535 || port === 0)) return undefined;
  return { host, port };
}

/** `host` alone where the port is the scheme's own, else `host:port`. */
export function formatAuthority({ host, port }: Authority, scheme: Scheme): string {
  return port === undefined || port === defaultPort[scheme] ? host : `${host}:${port}`;
}

/** Whether `host` is the domain or lies below it; a leading dot of the domain is ignored, an empty domain never matches. */
export function isWithin(host: string, domain: string): boolean {
  const base = bareDomain(domain);
  return base !== '' && (host === base || host.endsWith(`.${base}`));
}

/** A cookie domain without leading and trailing dot, in lower case. */
export function bareDomain(domain: string): string {
  return domain.trim().toLowerCase().replace(/^\./, '').replace(/\.$/, '');
}

/** First element of a list; websocket schemes count as their HTTP ones. */
export function parseScheme(given: string): Scheme | undefined {
  if (given === 'https' || given === 'http') return given;
  const scheme = given.split(',')[0]?.trim().toLowerCase();
  if (scheme === 'ws') return 'http';
  if (scheme === 'wss') return 'https';
  return scheme === 'http' || scheme === 'https' ? scheme : undefined;
}
