// The in-chain rule 1.2.840.113556.1.4.1941 (ldap.md §16.4): membership through any number of groups. Cycles end at the
// first group seen twice.
import { dnKeyOf } from '@gatehouse/wire/ldap';
import { type AttributeType, attribute } from './attribute-types.ts';
import type { Predicate } from './filter.ts';
import { group, type Ref, refOf, user, virtual } from './kinds.ts';
import { MappedEntry } from './mapped-entry.ts';
import { StoredEntry } from './stored-entry.ts';
import type { StoredView } from './stored-view.ts';

/** `memberOf` asks for everybody below a group, `member` for every group above somebody; other types are undefined. */
export function inChain(types: readonly AttributeType[], asserted: string): Predicate {
  const down = new WeakMap<StoredView, ReadonlySet<Ref>>();
  const up = new WeakMap<StoredView, ReadonlySet<Ref>>();
  const key = dnKeyOf(asserted);
  return (entry) => {
    const meant = entry instanceof MappedEntry ? types.map((type) => entry.copied(type)) : types;
    const isDown = meant.includes(attribute.memberOf);
    if (!isDown && !meant.includes(attribute.member) && !meant.includes(attribute.uniqueMember)) return undefined;
    const stored = entry instanceof MappedEntry ? entry.stored : entry;
    if (!(stored instanceof StoredEntry) || key === undefined) return false;
    const made = isDown ? down : up;
    const reached = made.get(stored.view) ?? (isDown ? below : above)(stored.view, key);
    made.set(stored.view, reached);
    return reached.has(stored.ref);
  };
}

/** Direct members of a group, and those of the groups in it: the core nests by parents. */
function below(view: StoredView, key: Key): ReadonlySet<Ref> {
  const { memberships, nesting } = view.layout.directory;
  const reached = new Set<Ref>();
  const start = view.groupRow(key);
  const visible = start === undefined ? [] : shown(view, [start]);
  for (const row of closure(visible[0], (one) => shown(view, nesting.membersOf(one).toArray()))) {
    if (row !== start) reached.add(refOf(group, row));
    for (const member of memberships.membersOf(row).toArray()) if (view.shows(member)) reached.add(refOf(user, member));
  }
  return reached;
}

/** Groups that hold somebody, directly or by groups; and the virtual group, which holds one user. */
function above(view: StoredView, key: Key): ReadonlySet<Ref> {
  const { memberships, nesting } = view.layout.directory;
  const member = view.userRow(key);
  const child = view.groupRow(key);
  const reached = new Set<Ref>();
  if (member === undefined ? child === undefined || !view.showsGroup(child) : !view.shows(member)) return reached;
  const first =
    member === undefined ? (child === undefined ? [] : nesting.groupsOf(child)) : memberships.groupsOf(member);
  for (const start of shown(view, first))
    for (const row of closure(start, (one) => shown(view, nesting.groupsOf(one)))) reached.add(refOf(group, row));
  if (member !== undefined) reached.add(refOf(virtual, member));
  return reached;
}

type Key = Parameters<StoredView['groupRow']>[0];

/** A view of one user shows only the groups that the user is in directly, and nothing of how they are nested. */
function shown(view: StoredView, rows: readonly number[]): readonly number[] {
  return view.self === undefined && view.limits === undefined ? rows : rows.filter((row) => view.showsGroup(row));
}

function closure(start: number | undefined, next: (row: number) => readonly number[]): ReadonlySet<number> {
  const seen = new Set<number>(start === undefined ? [] : [start]);
  for (const row of seen) for (const found of next(row)) seen.add(found);
  return seen;
}
