// Groups in groups as far as a view shows them (ldap.md §16.4). Cycles end at the first group seen twice.
import type { StoredView } from './stored-view.ts';

/** Those of the groups that are shown, and all that are above them. */
export function withGroupsAbove(view: StoredView, groups: readonly number[]): ReadonlySet<number> {
  const { nesting } = view.layout.directory;
  return closure(shown(view, groups), (row) => shown(view, nesting.groupsOf(row)));
}

/** Those of the groups that are shown, and all that are below them. */
export function withGroupsBelow(view: StoredView, groups: readonly number[]): ReadonlySet<number> {
  const { nesting } = view.layout.directory;
  return closure(shown(view, groups), (row) => shown(view, nesting.membersOf(row).toArray()));
}

/** A view of one user shows only the groups that the user is in directly, and nothing of how they are nested. */
function shown(view: StoredView, rows: readonly number[]): readonly number[] {
  return view.self === undefined && view.limits === undefined ? rows : rows.filter((row) => view.showsGroup(row));
}

function closure(start: readonly number[], next: (row: number) => readonly number[]): ReadonlySet<number> {
  const seen = new Set(start);
  for (const row of seen) for (const found of next(row)) seen.add(found);
  return seen;
}
