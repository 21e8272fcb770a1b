// Who the client is and what the core is told about it (router.md §4.5). Facts of the connection, or headers of a trusted
// peer; what an untrusted peer claims is removed before anybody reads it.
import { type CidrSet, canonicalIp } from '@gatehouse/daemon/net';

export interface Connection {
  /** Socket peer, or the source of an accepted PROXY header. */
  readonly address: string;
  readonly tls: boolean;
  /** The client speaks HTTP/2, whatever reaches us of it. */
  readonly http2?: true;
  /** Came through the unix socket of this machine: trusted whatever the list says (router.md §3). */
  readonly local?: true;
  /** Presented in this connection's handshake, ready for the core. */
  readonly clientCertificate?: string;
}

/** Whom to believe; from the settings. */
export interface Trust {
  readonly peers: CidrSet;
  /** Peers that may speak for a client certificate. Certificates are public: whoever else could show another's. */
  readonly certificatePeers: CidrSet;
  /** Which address of a chain is the client; default `rightmost-untrusted`. */
  readonly mode?: 'rightmost-untrusted' | 'leftmost';
}

export interface Client {
  readonly address: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  /** Whether the peer may speak for others. */
  readonly trusted: boolean;
  /** Whether its client-certificate headers are passed on. */
  readonly certificateTrusted: boolean;
  /** The certificate of this very connection; wins over any header. */
  readonly clientCertificate: string | undefined;
}

/** Headers that speak for somebody else; only a trusted peer's are believed. */
const forwardingHeaders = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-original-forwarded-for',
  'x-real-ip',
]);
const certificateHeaders = new Set(['ssl-client-cert', 'x-forwarded-client-cert', 'x-forwarded-tls-client-cert']);

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** @param headers of node:http: lower-case names, duplicates joined */
export function identifyClient(connection: Connection, headers: Headers, trust: Trust): Client {
  const peer = canonicalIp(connection.address);
  const trusted = connection.local === true || trust.peers.has(peer);
  const certificateTrusted = connection.local === true || trust.certificatePeers.has(peer);
  const scheme = connection.tls ? 'https' : 'http';
  const host = text(headers['host']);
  const facts = { trusted, certificateTrusted, clientCertificate: connection.clientCertificate };
  if (!trusted) return { address: peer, scheme, host, ...facts };
  const forwarded = parseForwarded(text(headers['forwarded']));
  const claimed = claimedAddresses(headers, forwarded.for).filter((address) => address !== '');
  const chosen = trust.mode === 'leftmost' ? claimed[0] : rightmostUntrusted(claimed, trust.peers);
  return {
    address: chosen ?? peer,
    scheme: connection.tls ? 'https' : (claimedScheme(headers, forwarded.proto) ?? scheme),
    host: text(headers['x-forwarded-host']).split(',')[0]?.trim() || host,
    ...facts,
  };
}

/** The header by which a peer that is believed otherwise names a client certificate in vain. */
export function certificateInVain(headers: Headers, { trusted, certificateTrusted }: Client): string | undefined {
  if (!trusted || certificateTrusted) return undefined;
  return [...certificateHeaders].find((name) => headers[name] !== undefined);
}

/** Whether a request has any header about somebody else than its peer. */
export function speaksForOthers(headers: Headers): boolean {
  return (
    headers['x-forwarded-for'] !== undefined ||
    headers['forwarded'] !== undefined ||
    headers['x-real-ip'] !== undefined ||
    headers['x-forwarded-proto'] !== undefined ||
    headers['x-forwarded-scheme'] !== undefined ||
    headers['x-forwarded-host'] !== undefined
  );
}

/** Takes an untrusted peer's words about others out of a request, before somebody else reads it (R29). */
export function withoutForwarding(
  request: { readonly headers: Record<string, unknown>; rawHeaders: string[] },
  client: Client,
): void {
  if (client.trusted) return;
  const spoken = request.rawHeaders.some((name, at) => at % 2 === 0 && forwardingHeaders.has(name.toLowerCase()));
  if (!spoken) return;
  for (const name of forwardingHeaders) delete request.headers[name];
  request.rawHeaders = request.rawHeaders.filter((_, at, raw) => {
    return !forwardingHeaders.has((raw[at - (at % 2)] ?? '').toLowerCase());
  });
}

/** The id of a request: a trusted peer's where it is well-formed (router.md §15), else `fresh`. */
export function requestIdOf(headers: Headers, client: Client, fresh: () => string): string {
  const given = client.trusted ? text(headers['x-request-id']) : '';
  return /^[A-Za-z0-9_-]{8,64}$/.test(given) ? given : fresh();
}

/**
 * The raw header list for the core: forwarding headers replaced by what `identifyClient` found, everything hop-by-hop and
 * untrusted removed, the request id added.
 * @param raw alternating names and values, as received
 */
export function forwardedHeaders(raw: readonly string[], client: Client, requestId: string): string[] {
  const dropped = hopByHop(raw);
  const kept = ['Host', client.host];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const field = fieldOf(raw[at] ?? '');
    if (field.kind === 'ours' || dropped.has(field.name)) continue;
    if (field.kind === 'certificate' && (!client.certificateTrusted || client.clientCertificate !== undefined))
      continue;
    kept.push(raw[at] ?? '', raw[at + 1] ?? '');
  }
  kept.push('X-Forwarded-For', client.address, 'X-Forwarded-Proto', client.scheme);
  kept.push('X-Forwarded-Host', client.host, 'X-authentik-id', requestId);
  if (client.clientCertificate !== undefined) kept.push('X-Forwarded-Client-Cert', client.clientCertificate);
  return kept;
}

interface Field {
  /** Lower-case. */
  readonly name: string;
  /** `ours`: only what we say ourselves reaches the core. */
  readonly kind: 'kept' | 'ours' | 'certificate';
}

/** Clients spell the same few names over and over. */
const fields = new Map<string, Field>();
const mostFields = 2_000;

function fieldOf(spelled: string): Field {
  const known = fields.get(spelled);
  if (known !== undefined) return known;
  const name = spelled.toLowerCase();
  const isOurs = forwardingHeaders.has(name) || name === 'host' || name === 'x-authentik-id';
  const field: Field = { name, kind: isOurs ? 'ours' : certificateHeaders.has(name) ? 'certificate' : 'kept' };
  if (fields.size >= mostFields) fields.clear();
  if (spelled.length < 100) fields.set(spelled, field);
  return field;
}

/** RFC 9110 §7.6.1, and `Expect`, which is answered here already with 100 Continue. */
const alwaysHopByHop: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** RFC 9110 §7.6.1: the fixed hop-by-hop fields and whatever Connection names. Names are lower-case. */
export function hopByHop(raw: readonly string[]): ReadonlySet<string> {
  let names: Set<string> | undefined;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]?.length !== 'connection'.length || raw[at]?.toLowerCase() !== 'connection') continue;
    const value = (raw[at + 1] ?? '').toLowerCase();
    if (value === 'keep-alive' || value === 'close') continue; // the usual, and in the fixed set
    names ??= new Set(alwaysHopByHop);
    for (const name of value.split(',')) names.add(name.trim());
  }
  return names ?? alwaysHopByHop;
}

function claimedAddresses(headers: Headers, forwardedFor: readonly string[]): readonly string[] {
  const list = text(headers['x-forwarded-for']);
  if (list !== '') return list.split(',').map(bareAddress);
  const real = text(headers['x-real-ip']);
  return real === '' ? forwardedFor : [bareAddress(real)];
}

function claimedScheme(headers: Headers, forwardedProto: string | undefined): 'http' | 'https' | undefined {
  const claim = (
    text(headers['x-forwarded-proto']) ||
    text(headers['x-forwarded-scheme']) ||
    (forwardedProto ?? '')
  ).toLowerCase();
  const first = claim.split(',')[0]?.trim();
  return first === 'https' || first === 'http' ? first : undefined;
}

/** From the right, past our own proxies, the first other address; the leftmost where all are ours. */
function rightmostUntrusted(claimed: readonly string[], trustedPeers: CidrSet): string | undefined {
  return claimed.findLast((address) => !trustedPeers.has(address)) ?? claimed[0];
}

/** Without port, brackets, quotes and zone; empty when it is no address. */
function bareAddress(part: string): string {
  const plain = part.trim().replace(/^"|"$/g, '');
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(plain)?.[1];
  const withPort = /^([\d.]+):\d+$/.exec(plain)?.[1];
  const address = (bracketed ?? withPort ?? plain).replace(/%.*$/, '');
  return /^[\da-f.:]+$/i.test(address) ? canonicalIp(address) : '';
}

/** RFC 7239 §4: every `for`, and the first `proto`. */
function parseForwarded(value: string): { for: readonly string[]; proto: string | undefined } {
  const pairs = value.split(/[,;]/).map((pair) => pair.trim().split('=', 2));
  const of = (name: string) => pairs.filter(([key]) => key?.toLowerCase() === name).map(([, given]) => given ?? '');
  return { for: of('for').map(bareAddress), proto: of('proto')[0]?.replace(/"/g, '') };
}

function text(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : (value?.join(', ') ?? '');
}
