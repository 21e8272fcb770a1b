// What a mode or endpoint wants done (STYLE 28). Only `allowed` and `forward` let anybody in, and both carry the Allow that
// server.ts asks for again before it acts; `refused` is never a success, by its type.
import type { Application } from '../applications/application.ts';
import type { Authentication } from '../authentication/authenticate.ts';
import type { Allow } from '../authentication/verdict.ts';
import type { HeaderBlock } from '../identity/header-block.ts';

export type Answer = Allowed | Forward | Refused | Public;

/** 200 to a reverse proxy. */
export interface Allowed {
  readonly kind: 'allowed';
  readonly allow: Allow;
  /** The same for every request of the identity. */
  readonly shared: HeaderBlock;
  /** Of this request: flat list of names and values. */
  readonly headers: readonly string[];
}

/** To the application behind us. */
export interface Forward {
  readonly kind: 'forward';
  readonly allow: Allow;
  readonly application: Application;
  readonly authentication: Authentication;
}

export type RefusedStatus = 302 | 400 | 401 | 403 | 404 | 405 | 429 | 500 | 502 | 503 | 504;

export interface Refused {
  readonly kind: 'refused';
  readonly status: RefusedStatus;
  readonly headers: readonly string[];
  readonly body: string;
}

/** Endpoints that tell nothing about anybody's rights: ping, assets. */
export interface Public {
  readonly kind: 'public';
  readonly status: 200 | 204 | 404;
  readonly headers: readonly string[];
  readonly body: string;
}

export const noStore = ['Cache-Control', 'no-store'] as const;

export function refuse(status: RefusedStatus, body: string, headers: readonly string[] = []): Refused {
  return { kind: 'refused', status, body, headers: [...noStore, ...plain, ...headers] };
}

/** 302 with the short body that Go's router writes; `location` must be an absolute, escaped URL. */
export function redirect(location: string, setCookies: readonly string[] = []): Refused {
  const safe = encodeLocation(location);
  const link = safe.replaceAll('&', '&amp;').replaceAll('"', '&#34;').replaceAll('<', '&lt;');
  return {
    kind: 'refused',
    status: 302,
    headers: [...noStore, 'Location', safe, 'Content-Type', 'text/html; charset=utf-8', ...cookies(setCookies)],
    body: `<a href="${link}">Found</a>.\n\n`,
  };
}

export function cookies(setCookies: readonly string[]): string[] {
  return setCookies.flatMap((cookie) => ['Set-Cookie', cookie]);
}

const plain = ['Content-Type', 'text/plain; charset=utf-8', 'X-Content-Type-Options', 'nosniff'] as const;

/** Non-ASCII and blanks percent-encoded, nothing else touched (proxy.md §18). */
function encodeLocation(url: string): string {
  return url.replace(/[^!-~]+/g, (piece) => encodeURIComponent(Buffer.from(piece, 'utf8').toString('utf8')));
}
