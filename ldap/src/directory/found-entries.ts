// What a search has found: numbers, of which entries are made one at a time when they are sent or sorted. A listing of everybody
// would otherwise be hundreds of thousands of objects for the garbage collector, kept for as long as its pages are fetched.
import type { Entry } from './entry.ts';
import type { Ref } from './kinds.ts';
import type { DirectoryView } from './view.ts';

/** Entries in order; an array of them is one as well. */
export interface EntryList extends Iterable<Entry> {
  readonly length: number;
  at(place: number): Entry | undefined;
}

export class FoundEntries implements EntryList {
  readonly #view: DirectoryView;
  readonly #refs: readonly Ref[];

  constructor(view: DirectoryView, refs: readonly Ref[]) {
    this.#view = view;
    this.#refs = refs;
  }

  get length(): number {
    return this.#refs.length;
  }

  at(place: number): Entry | undefined {
    const ref = this.#refs[place];
    return ref === undefined ? undefined : this.#view.entry(ref);
  }

  *[Symbol.iterator](): Iterator<Entry> {
    for (const ref of this.#refs) yield this.#view.entry(ref);
  }
}
