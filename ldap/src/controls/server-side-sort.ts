// Server-side sorting (RFC 2891; ldap.md §16.2): by several keys, the least value of each counts, and an entry without a value
// is larger than all others. Sorts in slices, so that a large result holds nobody else up.
import { type Control, controlOid, decodeSortRequest, encodeSortResult, resultCode } from '@gatehouse/wire/ldap';
import { type AttributeType, normalise, type Syntax } from '../directory/attribute-types.ts';
import type { Entry } from '../directory/entry.ts';
import type { EntryList } from '../directory/found-entries.ts';
import type { DirectoryView } from '../directory/view.ts';
import { Refusal } from '../errors.ts';

export interface SortedEntries {
  readonly entries: EntryList;
  /** Response control; `undefined` when no order was asked for. */
  readonly response: Control | undefined;
  /** A critical wish that cannot be granted: no entry may go out then. */
  readonly refused: boolean;
  /** Position in the order of a value of the first key; only with an order. */
  readonly find: (value: string) => number;
}

/** Sorted at once, between turns of others. */
const sliceSize = 1_000;
const rules: Readonly<Record<string, Syntax>> = {
  '2.5.13.3': 'directoryString',
  caseignoreorderingmatch: 'directoryString',
  '2.5.13.6': 'directoryString',
  caseexactorderingmatch: 'directoryString',
  '2.5.13.15': 'integer',
  integerorderingmatch: 'integer',
  '2.5.13.28': 'generalizedTime',
  generalizedtimeorderingmatch: 'generalizedTime',
};

/** In the view's order when the control is absent. @param turn lets others run; throws when the search is over */
export async function sortEntries(
  entries: EntryList,
  controls: readonly Control[],
  { view, turn }: { readonly view: DirectoryView; readonly turn: () => Promise<void> },
): Promise<SortedEntries> {
  const control = controls.find(({ type }) => type === controlOid.sortRequest);
  if (control === undefined) return { entries, response: undefined, refused: false, find: () => 0 };
  if (control.value === undefined) throw new Refusal(resultCode.protocolError, 'the sort control has no value');
  const keys: Key[] = [];
  for (const wanted of decodeSortRequest(control.value)) {
    const types = view.typesOf(wanted.attribute);
    const syntax = wanted.rule === undefined ? types[0]?.syntax : rules[wanted.rule.toLowerCase()];
    if (types.length > 0 && syntax !== undefined) keys.push({ types, syntax, reverse: wanted.reverse });
    else {
      const code = types.length === 0 ? resultCode.noSuchAttribute : resultCode.inappropriateMatching;
      const response = encodeSortResult({ code, attribute: wanted.attribute });
      return { entries, response, refused: control.criticality, find: () => 0 };
    }
  }
  const rows = await sortInSlices(entries, keys, turn);
  const response = encodeSortResult({ code: resultCode.success, attribute: undefined });
  return {
    entries: rows.map(({ entry }) => entry),
    response,
    refused: false,
    find: (value) => lowerBound(rows, keys, value),
  };
}

interface Key {
  readonly types: readonly AttributeType[];
  readonly syntax: Syntax;
  readonly reverse: boolean;
}

type Comparable = string | bigint;

interface Row {
  readonly entry: Entry;
  readonly values: readonly (Comparable | undefined)[];
}

function rowOf(entry: Entry, keys: readonly Key[]): Row {
  return { entry, values: keys.map((key) => leastValue(entry, key)) };
}

function leastValue(entry: Entry, { types, syntax }: Key): Comparable | undefined {
  let least: Comparable | undefined;
  for (const type of types)
    for (const value of entry.values(type)) {
      const own = comparable(syntax, value);
      if (own !== undefined && (least === undefined || own < least)) least = own;
    }
  return least;
}

function comparable(syntax: Syntax, value: string): Comparable | undefined {
  const normal = normalise(syntax, value);
  if (normal === undefined) return undefined;
  return syntax === 'integer' || syntax === 'generalizedTime' ? BigInt(normal) : normal;
}

function compareRows(one: Row, other: Row, keys: readonly Key[]): number {
  for (const [at, { reverse }] of keys.entries()) {
    const order = compareValues(one.values[at], other.values[at]);
    if (order !== 0) return reverse ? -order : order;
  }
  return 0;
}

function compareValues(one: Comparable | undefined, other: Comparable | undefined): number {
  if (one === undefined || other === undefined) return one === other ? 0 : one === undefined ? 1 : -1;
  return one < other ? -1 : one > other ? 1 : 0;
}

/** A merge sort whose runs are sorted by the engine. Stable. */
async function sortInSlices(
  entries: EntryList,
  keys: readonly Key[],
  turn: () => Promise<void>,
): Promise<readonly Row[]> {
  const compare = (one: Row, other: Row) => compareRows(one, other, keys);
  let runs: (readonly Row[])[] = [];
  for (let at = 0; at < entries.length; at += sliceSize) {
    if (at > 0) await turn();
    const rows: Row[] = [];
    for (let place = at; place < Math.min(entries.length, at + sliceSize); place += 1) {
      const entry = entries.at(place);
      if (entry !== undefined) rows.push(rowOf(entry, keys));
    }
    runs.push(rows.sort(compare));
  }
  while (runs.length > 1) {
    const merged: (readonly Row[])[] = [];
    for (let at = 0; at < runs.length; at += 2)
      merged.push(await merge(runs[at] ?? [], runs[at + 1] ?? [], { compare, turn }));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge(
  left: readonly Row[],
  right: readonly Row[],
  { compare, turn }: { readonly compare: (one: Row, other: Row) => number; readonly turn: () => Promise<void> },
): Promise<readonly Row[]> {
  const merged: Row[] = [];
  let [atLeft, atRight] = [0, 0];
  for (;;) {
    const [one, other] = [left[atLeft], right[atRight]];
    if (one === undefined) return merged.concat(right.slice(atRight));
    if (other === undefined) return merged.concat(left.slice(atLeft));
    if (compare(one, other) <= 0) {
      merged.push(one);
      atLeft += 1;
    } else {
      merged.push(other);
      atRight += 1;
    }
    if (merged.length % sliceSize === 0) await turn();
  }
}

/** The first row that does not come before the value of the first key. */
function lowerBound(rows: readonly Row[], [key]: readonly Key[], asserted: string): number {
  const value = key === undefined ? undefined : comparable(key.syntax, asserted);
  if (key === undefined || value === undefined) return rows.length;
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareValues(rows[middle]?.values[0], value);
    if ((key.reverse ? -order : order) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
