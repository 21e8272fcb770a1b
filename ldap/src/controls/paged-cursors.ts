// Open pages of one connection (RFC 2696; ldap.md §16.2): a cookie is good on its connection and for its request only.
import { randomBytes } from 'node:crypto';
import type { Cursor } from './paged-results.ts';

const mostOpen = 8;

export class PagedCursors {
  readonly #open = new Map<string, { readonly key: string; readonly cursor: Cursor }>();

  /** @returns the cookie; the oldest cursor goes when there are too many */
  keep(key: string, cursor: Cursor): Buffer {
    const cookie = randomBytes(8);
    this.#open.set(cookie.toString('hex'), { key, cursor });
    const [oldest] = this.#open.keys();
    if (this.#open.size > mostOpen && oldest !== undefined) this.#open.delete(oldest);
    return cookie;
  }

  /** The cursor of a cookie, which is spent; `undefined` when it is not of this connection or of another request. */
  take(cookie: Buffer, key: string): Cursor | undefined {
    const text = cookie.toString('hex');
    const found = this.#open.get(text);
    this.#open.delete(text);
    return found?.key === key ? found.cursor : undefined;
  }

  clear(): void {
    this.#open.clear();
  }
}
