// A record that travels in its cookie (proxy.md §17.5): the session's id, a dot, and the sealed record, compressed. It must
// fit into one cookie: splitting is nothing but trouble (WISHES P9).
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { proxyError } from '../errors.ts';
import { readRecord, recordText, type SessionKey, type SessionRecord } from './record.ts';
import type { Seal } from './seal.ts';

/** Browsers refuse cookies above 4,096 bytes with name and attributes. */
const mostLength = 3_800;
/** Of a record that inflates to more than this we have not made. */
const mostPlainBytes = 256 * 1024;

/**
 * @param id of the session, as in a cookie that names a record elsewhere
 * @throws GatewayError `ERR_PROXY_SESSION_STORE` for a record that does not fit, even without its token
 */
export function carriedValue(seal: Seal, id: string, key: SessionKey, record: SessionRecord): string {
  // Without its refresh token it is not renewed; without the token there is no X-Authentik-Jwt and no question to the core.
  const unrenewed = { ...record, refreshToken: undefined, endsAtMs: undefined };
  const light = { ...unrenewed, claims: { ...record.claims, rawToken: '' } };
  let length = 0;
  for (const candidate of [record, unrenewed, light]) {
    const value = sealed(seal, id, key, candidate);
    if (value.length <= mostLength) return value;
    length = value.length;
  }
  const { sub, groups } = record.claims;
  throw proxyError(
    'ERR_PROXY_SESSION_STORE',
    `The session of ${sub} (${groups.length} groups) takes ${length} bytes, a cookie holds ${mostLength}.`,
  );
}

/** Id and sealed record of a value. @returns `undefined` when it is of another form */
export function splitCarried(value: string): { readonly id: string; readonly sealed: Buffer } | undefined {
  const dot = value.indexOf('.');
  if (dot === -1 || value.length > mostLength) return undefined;
  return { id: value.slice(0, dot), sealed: Buffer.from(value.slice(dot + 1), 'base64url') };
}

export function openCarried(
  seal: Seal,
  where: { readonly clientId: string; readonly key: SessionKey; readonly nowMs: number },
  bytes: Uint8Array,
): SessionRecord | undefined {
  const plain = seal.open(bytes, contextOf(where.clientId, where.key));
  const text = plain === undefined ? undefined : inflated(plain);
  return text === undefined ? undefined : readRecord(text, where);
}

function sealed(seal: Seal, id: string, key: SessionKey, record: SessionRecord): string {
  const packed = deflateRawSync(Buffer.from(recordText(record), 'utf8'), { level: 9 });
  return `${id}.${seal.seal(packed, contextOf(record.clientId, key)).toString('base64url')}`;
}

/** Not the context of a record in a store: the one must never pass for the other. */
function contextOf(clientId: string, key: SessionKey): string {
  return `carried|${clientId}|${key}`;
}

function inflated(plain: Uint8Array): unknown {
  try {
    return JSON.parse(inflateRawSync(plain, { maxOutputLength: mostPlainBytes }).toString('utf8'));
  } catch {
    return undefined; // sealed by us, but by another version: no session
  }
}
