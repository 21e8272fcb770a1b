// The session cookie and its siblings (proxy.md §8.1): name, attributes, and a scan of the Cookie header that never throws.
// Called by authentication/, endpoints/ and oidc/.
import { createHash } from 'node:crypto';

export interface CookieSettings {
  readonly name: string;
  /** Without leading dot; empty for a host-only cookie. */
  readonly domain: string;
  readonly secure: boolean;
}

/** `authentik_proxy_` and eight hex digits of the client id's SHA-256. */
export function sessionCookieName(clientId: string): string {
  return `authentik_proxy_${createHash('sha256').update(clientId, 'utf8').digest('hex').slice(0, 8)}`;
}

/** A `Set-Cookie` value. @param maxAgeS whole seconds; 0 deletes the cookie */
export function formatCookie(settings: CookieSettings, name: string, value: string, life: CookieLife): string {
  const parts = [`${name}=${life.maxAgeS > 0 ? value : ''}`, 'Path=/'];
  if (settings.domain !== '') parts.push(`Domain=${settings.domain}`);
  const expires = life.maxAgeS > 0 ? new Date(life.nowMs + life.maxAgeS * 1000) : new Date(1000);
  parts.push(`Expires=${expires.toUTCString()}`, `Max-Age=${Math.max(0, life.maxAgeS)}`, 'HttpOnly');
  if (settings.secure) parts.push('Secure');
  parts.push('SameSite=Lax');
  return parts.join('; ');
}

/** `Set-Cookie` of a session that ends then. */
export function sessionCookie(
  settings: CookieSettings,
  value: string,
  { endsAtMs, nowMs }: { readonly endsAtMs: number; readonly nowMs: number },
): string {
  const maxAgeS = Math.max(1, Math.floor((endsAtMs - nowMs) / 1000));
  return formatCookie(settings, settings.name, value, { maxAgeS, nowMs });
}

export interface CookieLife {
  readonly maxAgeS: number;
  readonly nowMs: number;
}

export function deletingCookie(settings: CookieSettings, name: string): string {
  return formatCookie(settings, name, '', { maxAgeS: 0, nowMs: 0 });
}

/** Every value of one cookie, in the order sent: a browser may hold it for the host and for a parent domain. */
export function cookieValues(header: string, name: string): string[] {
  const values: string[] = [];
  if (name === '') return values; // it would be found for ever
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + name.length)) {
    const from = at + name.length + 1;
    if (header.charCodeAt(from - 1) !== equalsSign || !beginsPair(header, at)) continue;
    const end = header.indexOf(';', from);
    values.push(header.slice(from, end === -1 ? header.length : end).trim());
  }
  return values;
}

const [blank, tab, equalsSign, semicolon] = [0x20, 0x09, 0x3d, 0x3b];

function beginsPair(header: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && (header.charCodeAt(before) === blank || header.charCodeAt(before) === tab)) before -= 1;
  return before < 0 || header.charCodeAt(before) === semicolon;
}

/** Names that begin with `start`, without repetition. */
export function cookieNames(header: string, start: string): string[] {
  if (!header.includes(start)) return [];
  const names = header.split(';').map((pair) => pair.split('=')[0]?.trim() ?? '');
  return [...new Set(names.filter((name) => name.startsWith(start)))];
}
