// The in-chain rule 1.2.840.113556.1.4.1941 (ldap.md §16.4): membership through any number of groups.
import { dnKeyOf } from '@gatehouse/wire/ldap';
import { type AttributeType, attribute } from './attribute-types.ts';
import type { Predicate } from './filter.ts';
import { group, type Ref, refOf, user, virtual } from './kinds.ts';
import { MappedEntry } from './mapped-entry.ts';
import { withGroupsAbove, withGroupsBelow } from './nesting.ts';
import { StoredEntry } from './stored-entry.ts';
import type { StoredView } from './stored-view.ts';

const downTypes = new Set<AttributeType>([attribute.memberOf, attribute.memberOfTransitive]);
const upTypes = new Set<AttributeType>([attribute.member, attribute.uniqueMember, attribute.memberTransitive]);

/** `memberOf` asks for everybody below a group, `member` for every group above somebody; other types are undefined. */
export function inChain(types: readonly AttributeType[], asserted: string): Predicate {
  const down = new WeakMap<StoredView, ReadonlySet<Ref>>();
  const up = new WeakMap<StoredView, ReadonlySet<Ref>>();
  const key = dnKeyOf(asserted);
  return (entry) => {
    const meant = entry instanceof MappedEntry ? types.map((type) => entry.copied(type)) : types;
    const isDown = meant.some((type) => type !== undefined && downTypes.has(type));
    if (!isDown && !meant.some((type) => type !== undefined && upTypes.has(type))) return undefined;
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
  const { memberships } = view.layout.directory;
  const reached = new Set<Ref>();
  const start = view.groupRow(key);
  for (const row of withGroupsBelow(view, start === undefined ? [] : [start])) {
    if (row !== start) reached.add(refOf(group, row));
    for (const member of memberships.membersOf(row).toArray()) if (view.shows(member)) reached.add(refOf(user, member));
  }
  return reached;
}

/** Groups that hold somebody, directly or by groups; and the virtual group, which holds one user. */
function above(view: StoredView, key: Key): ReadonlySet<Ref> {
  const { memberships, nesting } = view.layout.directory;
  const member = view.userRow(key);
  if (member !== undefined) {
    if (!view.shows(member)) return new Set();
    const groups = withGroupsAbove(view, memberships.groupsOf(member));
    return new Set([refOf(virtual, member), ...Array.from(groups, (row) => refOf(group, row))]);
  }
  const child = view.self === undefined ? view.groupRow(key) : undefined; // of members one user is shown nobody else
  if (child === undefined || !view.showsGroup(child)) return new Set();
  return new Set(Array.from(withGroupsAbove(view, nesting.groupsOf(child)), (row) => refOf(group, row)));
}

type Key = Parameters<StoredView['groupRow']>[0];
