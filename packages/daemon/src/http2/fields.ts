// Fields between HTTP/2 and HTTP/1.1 (RFC 9113 §8): pseudo-fields become the request line and Host, cookie crumbs one field,
// what belongs to a connection stays with it.
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';

export interface RequestLine {
  readonly method: string;
  readonly path: string;
  /** Alternating names and values, Host first. */
  readonly fields: string[];
}

const ofConnection = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);
/** Written anew for the inner request; `expect` is answered by the stream itself. */
const ofRequest = new Set([...ofConnection, 'host', 'cookie', 'expect', 'http2-settings']);

/**
 * @param raw alternating names and values, pseudo-fields among them; nghttp2 has refused what is malformed
 * @returns `undefined` where two readers could see different requests (RFC 9113 §8.3.1)
 */
export function requestLine(raw: readonly string[], pseudo: IncomingHttpHeaders): RequestLine | undefined {
  const { ':method': method, ':path': path, ':authority': authority } = pseudo;
  const host = firstValue(raw, 'host');
  if (method === undefined || method === 'CONNECT' || path === undefined) return undefined;
  if (!/^[!-~\x80-\xff]+$/.test(path)) return undefined;
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase()) return undefined;
  const name = authority ?? host;
  if (name === undefined || name === '') return undefined;
  const fields = ['Host', name];
  const crumbs: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [field = '', value = ''] = [raw[at], raw[at + 1]];
    if (field === 'cookie') crumbs.push(value);
    if (!field.startsWith(':') && !ofRequest.has(field)) fields.push(field, value);
  }
  if (crumbs.length > 0) fields.push('Cookie', crumbs.join('; ')); // RFC 9113 §8.2.3
  return { method, path, fields };
}

/** An answer's fields as HTTP/2 takes them. @param raw alternating names and values of HTTP/1.1 */
export function answerFields(raw: readonly string[]): OutgoingHttpHeaders {
  const fields: Record<string, string | string[]> = {};
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    const value = raw[at + 1] ?? '';
    if (ofConnection.has(name)) continue;
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    else if (name === 'set-cookie') fields[name] = [...(Array.isArray(before) ? before : [before]), value];
    else fields[name] = `${String(before)}, ${value}`;
  }
  return fields;
}

/** Trailers of a request for the inner one, without what belongs to a connection or to a head (RFC 9110 §6.5.1). */
export function trailerFields(trailers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const kept = Object.entries(trailers).filter(
    ([name]) => !name.startsWith(':') && !ofRequest.has(name) && name !== 'content-length',
  );
  return Object.fromEntries(kept);
}

function firstValue(raw: readonly string[], name: string): string | undefined {
  for (let at = 0; at + 1 < raw.length; at += 2) if (raw[at] === name) return raw[at + 1];
  return undefined;
}
