// Results of which a client has seen a part only, of one connection: pages to come (RFC 2696) and list views (ldap.md §16.2).
// A cookie is good on its connection and for its request, for some minutes.
import { randomBytes } from 'node:crypto';
import type { Clock } from '@gatehouse/daemon/async';
import type { Control, SearchRequest } from '@gatehouse/wire/ldap';
import type { EntryList } from '../directory/found-entries.ts';
import type { Selection } from '../directory/selection.ts';
import type { DirectoryView } from '../directory/view.ts';

/** A result as it was when the search began: a refresh in between neither doubles nor loses any entry. */
export interface Cursor {
  /** What was searched. */
  readonly view: DirectoryView;
  readonly entries: EntryList;
  readonly selection: Selection;
  /** Controls that go with every part. */
  readonly responses: readonly Control[];
  /** The order that was asked for, critically, cannot be had. */
  readonly refused: boolean;
  /** Position of a value in the order. */
  readonly find: (value: string) => number;
  /** Entries sent so far, on all pages. */
  at: number;
}

const mostOpen = 8;
const idleMs = 600_000;

export class Cursors {
  readonly #open = new Map<string, { readonly key: string; readonly cursor: Cursor; readonly keptMs: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns the cookie; the oldest cursor goes when there are too many */
  keep(request: SearchRequest, cursor: Cursor): Buffer {
    this.#forgetIdle();
    const cookie = randomBytes(8);
    this.#open.set(cookie.toString('hex'), { key: keyOf(request), cursor, keptMs: this.#clock.monotonicMs() });
    const [oldest] = this.#open.keys();
    if (this.#open.size > mostOpen && oldest !== undefined) this.#open.delete(oldest);
    return cookie;
  }

  /** The cursor of a cookie, which is spent; `undefined` when it is not of this connection or of another request. */
  take(cookie: Buffer, request: SearchRequest): Cursor | undefined {
    this.#forgetIdle();
    const text = cookie.toString('hex');
    const found = this.#open.get(text);
    this.#open.delete(text);
    return found?.key === keyOf(request) ? found.cursor : undefined;
  }

  clear(): void {
    this.#open.clear();
  }

  #forgetIdle(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [cookie, { keptMs }] of this.#open) if (nowMs - keptMs > idleMs) this.#open.delete(cookie);
  }
}

/** Everything that must stay the same between parts. */
function keyOf({ baseObject, scope, filter, attributes, typesOnly }: SearchRequest): string {
  return JSON.stringify([baseObject, scope, filter, attributes, typesOnly]);
}
