// The in-chain rule 1.2.840.113556.1.4.1941 (ldap.md §16.4): membership through any number of groups. Cycles end at the
// first entry seen twice.
import { type DnKey, dnKeyOf } from '@gatehouse/wire/ldap';
import { type AttributeType, attribute } from './attribute-types.ts';
import { type Entry, valuesOf } from './entry.ts';
import type { Predicate } from './filter.ts';
import type { DirectoryView } from './view.ts';

/** `memberOf` asks for everybody below a group, `member` for every group above somebody; other types are undefined. */
export function inChain(types: readonly AttributeType[], asserted: string, view: DirectoryView): Predicate {
  const start = dnKeyOf(asserted);
  if (start === undefined) return () => false;
  if (types.includes(attribute.memberOf)) {
    const reached = reach(view, start, (entry) => membersOf(view, entry));
    return (entry) => reached.has(entry.key);
  }
  if (types.includes(attribute.member) || types.includes(attribute.uniqueMember)) {
    const reached = reach(view, start, (entry) => groupsAbove(view, entry));
    return (entry) => reached.has(entry.key);
  }
  return () => undefined;
}

/** Everything reached from the start, without the start itself. */
function reach(view: DirectoryView, start: DnKey, next: (key: DnKey) => readonly DnKey[]): ReadonlySet<DnKey> {
  const seen = new Set<DnKey>();
  const queue: DnKey[] = [start];
  for (let key = queue.pop(); key !== undefined; key = queue.pop())
    for (const found of next(key)) {
      if (seen.has(found)) continue;
      seen.add(found);
      if (view.find(found)?.kind === 'group') queue.push(found);
    }
  return seen;
}

/** Direct members of a group, and the groups whose parent it is: the core nests by parents. */
function membersOf(view: DirectoryView, key: DnKey): DnKey[] {
  const group = view.find(key);
  return group === undefined ? [] : keysOf(valuesOf(group, attribute.member));
}

function groupsAbove(view: DirectoryView, key: DnKey): DnKey[] {
  const positions = view.withValue(attribute.member, key);
  const candidates: readonly (Entry | undefined)[] =
    positions === undefined
      ? view.entries.filter((entry) => keysOf(valuesOf(entry, attribute.member)).includes(key))
      : positions.map((at) => view.entries[at]);
  return candidates.flatMap((entry) => (entry === undefined ? [] : [entry.key]));
}

function keysOf(values: readonly string[]): DnKey[] {
  return values.flatMap((value) => dnKeyOf(value) ?? []);
}
