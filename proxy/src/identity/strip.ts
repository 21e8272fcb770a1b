// What a client sends and nobody behind us may see (proxy.md §9.5): identity headers under every alias, forwarding headers
// of untrusted peers, hop-by-hop fields, our own cookies. Hop-by-hop comes first, so that `Connection: X-Authentik-Username`
// cannot remove what is added afterwards (CVE-2022-31813; case 69).
import { fieldKey } from './field.ts';

export interface StripOptions {
  /** Keep the peer's forwarding headers. */
  readonly trusted: boolean;
  /** Prefix of the cookies that are ours. */
  readonly cookieName: string;
  /** Drop `Authorization`, because it is what authenticated the request (§11.1). */
  readonly dropAuthorization: boolean;
  /** Further names to drop, as {@link fieldKey}s. */
  readonly dropped: ReadonlySet<string>;
}

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);
/** Keys; what a peer claims about the connection in front of it. */
const forwarding = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-forwarded-uri',
  'x-original-forwarded-for',
  'x-original-uri',
  'x-original-url',
  'x-real-ip',
  'x-rewrite-url',
]);
/** Set anew for every upstream request. */
const rewritten = new Set(['host', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']);

/** What a field name means here; one look-up per field instead of a dozen comparisons. */
type Kind = 'kept' | 'removed' | 'connection' | 'forwarding' | 'cookie' | 'authorization';

/** Names as they were spelt: clients use the same few over and over. */
const kinds = new Map<string, Kind>();
const mostKinds = 2_000;

function kindOf(name: string): Kind {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  const kind = classify(name.toLowerCase());
  if (kinds.size >= mostKinds) kinds.clear();
  if (name.length < 100) kinds.set(Buffer.from(name, 'latin1').toString('latin1'), kind);
  return kind;
}

function classify(lower: string): Kind {
  if (lower === 'connection' || lower === 'cookie' || lower === 'authorization') return lower;
  if (hopByHop.has(lower) || rewritten.has(lower)) return 'removed';
  const key = fieldKey(lower);
  if (key.startsWith('x-authentik-')) return 'removed';
  if (!forwarding.has(key)) return 'kept';
  // An alias of a forwarding header is nothing a proxy of ours would send.
  return key === lower ? 'forwarding' : 'removed';
}

/** @param raw alternating names and values, as received. @returns what may go to the application */
export function stripRequestHeaders(raw: readonly string[], options: StripOptions): string[] {
  let named: ReadonlySet<string> | undefined;
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const value = raw[at + 1] ?? '';
    const kind = kindOf(name);
    if (kind === 'removed' || (kind === 'forwarding' && !options.trusted)) continue;
    if (kind === 'connection') named ??= namedByConnection(value, raw);
    else if (kind === 'cookie') {
      const rest = withoutOwnCookies(value, options.cookieName);
      if (rest !== '') kept.push(name, rest);
    } else if (kind !== 'authorization' || !options.dropAuthorization) kept.push(name, value);
  }
  const dropsNames = options.dropped.size > 0 || (named !== undefined && named.size > 0);
  return dropsNames ? withoutNames(kept, named ?? options.dropped, options.dropped) : kept;
}

/** Most connections only say whether they stay open. */
function namedByConnection(value: string, raw: readonly string[]): ReadonlySet<string> | undefined {
  return value === 'keep-alive' || value === 'close' ? undefined : connectionOptions(raw);
}

/** @param lowerNames compared in lower case. @param keys compared as {@link fieldKey}s */
function withoutNames(raw: readonly string[], lowerNames: ReadonlySet<string>, keys: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (!lowerNames.has(name.toLowerCase()) && !keys.has(fieldKey(name))) kept.push(name, raw[at + 1] ?? '');
  }
  return kept;
}

/** Response fields: hop-by-hop and what `Connection` names; everything else passes byte for byte. */
export function stripResponseHeaders(raw: readonly string[]): string[] {
  const named = connectionOptions(raw);
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const lower = (raw[at] ?? '').toLowerCase();
    if (hopByHop.has(lower) || named.has(lower) || lower === 'x-powered-by') continue;
    kept.push(raw[at] ?? '', raw[at + 1] ?? '');
  }
  return kept;
}

/** First value of a name in a raw list. */
export function rawValue(raw: readonly string[], lowerName: string): string | undefined {
  for (let at = 0; at + 1 < raw.length; at += 2) if (raw[at]?.toLowerCase() === lowerName) return raw[at + 1];
  return undefined;
}

/** A `Cookie` value without the cookies whose name begins with `cookieName`. */
export function withoutOwnCookies(value: string, cookieName: string): string {
  if (!value.includes(cookieName)) return value;
  return value
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !pair.startsWith(cookieName))
    .join('; ');
}

/** RFC 9110 §7.6.1: what `Connection` lists is hop-by-hop as well. */
function connectionOptions(raw: readonly string[]): ReadonlySet<string> {
  const named = new Set<string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]?.toLowerCase() !== 'connection') continue;
    for (const option of (raw[at + 1] ?? '').split(',')) named.add(option.trim().toLowerCase());
  }
  named.delete('cookie');
  named.delete('authorization');
  return named;
}
