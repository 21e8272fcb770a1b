// Which entries of a view a search matches: by index where one helps, each tested with the whole filter.
import { type DnKey, type Filter, foldValue, type SearchRequest } from '@gatehouse/wire/ldap';
import { candidatesOf, kindsOf } from '../directory/candidates.ts';
import type { Entry } from '../directory/entry.ts';
import { compileFilter, type Predicate, textOf } from '../directory/filter.ts';
import { type EntryList, FoundEntries } from '../directory/found-entries.ts';
import { bitOf, type Ref, virtual } from '../directory/kinds.ts';
import type { DirectoryView, Refs } from '../directory/view.ts';
import { type Deadline, firstStretchMs, turnMs } from './deadline.ts';
import type { Soon } from './soon.ts';

/** Candidates tested without a look at the clock: some ten microseconds, or a millisecond where the code for it is new. */
const sliceSize = 64;

/** In the order in which they are sent. */
export function matching(view: DirectoryView, base: DnKey, request: SearchRequest, clock: Deadline): Soon<EntryList> {
  const { filter } = request;
  const scope = view.scope(base, request.scope);
  const hidden = hidesVirtualGroups(filter) ? bitOf(virtual) : 0;
  const kinds = scope.kinds & kindsOf(filter, view) & ~hidden;
  const run: Run = {
    view,
    refs: inOrder(candidatesOf(filter, view, kinds)) ?? view.all(kinds),
    inScope: scope.holds,
    matches: compileFilter(filter, view),
    probe: view.probe(),
    found: [],
    clock,
  };
  const tested = testFor(firstStretchMs(), run, 0);
  return tested < run.refs.length ? testRest(run, tested, clock) : new FoundEntries(view, run.found);
}

interface Run {
  readonly view: DirectoryView;
  readonly refs: Refs;
  readonly inScope: (ref: Ref) => boolean;
  readonly matches: Predicate;
  readonly probe: (ref: Ref) => Entry;
  readonly found: Ref[];
  readonly clock: Deadline;
}

async function testRest(run: Run, from: number, clock: Deadline): Promise<EntryList> {
  for (let at = from; at < run.refs.length; ) {
    await clock.turn();
    at = testFor(turnMs, run, at);
  }
  return new FoundEntries(run.view, run.found);
}

/** Tests slice after slice until the time is over. @returns how far it came */
function testFor(ms: number, run: Run, from: number): number {
  const { refs } = run;
  let at = Math.min(refs.length, from + sliceSize);
  test(run, from, at);
  for (const endMs = at < refs.length ? run.clock.nowMs() + ms : 0; at < refs.length && run.clock.nowMs() < endMs; ) {
    test(run, at, at + sliceSize);
    at = Math.min(refs.length, at + sliceSize);
  }
  return at;
}

function test({ refs, inScope, matches, probe, found }: Run, from: number, to: number): void {
  const end = Math.min(to, refs.length);
  for (let at = from; at < end; at += 1) {
    const ref = refs[at] ?? 0;
    if (inScope(ref) && matches(probe(ref)) === true) found.push(ref);
  }
}

/** Sorted, each once. */
function inOrder(refs: Refs | undefined): Refs | undefined {
  if (refs === undefined || refs.length < 2) return refs;
  if (refs.length === 2) {
    const one = refs[0] ?? 0;
    const other = refs[1] ?? 0;
    return one === other ? [one] : one < other ? [one, other] : [other, one];
  }
  if (isAscending(refs)) return refs;
  const sorted = new Uint32Array(refs).sort();
  let kept = 1;
  for (let at = 1; at < sorted.length; at += 1) {
    const ref = sorted[at] ?? 0;
    if (ref === sorted[at - 1]) continue;
    sorted[kept] = ref;
    kept += 1;
  }
  return sorted.subarray(0, kept);
}

function isAscending(refs: Refs): boolean {
  let before = -1;
  for (let at = 0; at < refs.length; at += 1) {
    const ref = refs[at] ?? 0;
    if (ref <= before) return false;
    before = ref;
  }
  return true;
}

/** Filters that name only these classes have never seen virtual groups, and POSIX clients rely on it (ldap.md §7.4). */
function hidesVirtualGroups(filter: Filter): boolean {
  const classes = classesIn(filter);
  return classes.length > 0 && classes.every((name) => name === 'posixgroup' || name === 'goauthentik.io/ldap/group');
}

/** Some clients name the subschema by its class alone, whatever the base. */
export function asksForSubschema(filter: Filter): boolean {
  return classesIn(filter).at(-1) === 'subschema';
}

const noClasses: readonly string[] = [];

/** Values of `objectClass` that a filter names, at any depth. */
function classesIn(filter: Filter): readonly string[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.flatMap(classesIn);
    case 'not':
      return classesIn(filter.filter);
    case 'equalityMatch':
      return filter.attribute.toLowerCase() === 'objectclass' ? [foldValue(textOf(filter.value))] : noClasses;
    default:
      return noClasses;
  }
}
