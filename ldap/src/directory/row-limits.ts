// Which rows a policy lets somebody see: members of some groups, active users, some groups.
import { foldValue } from '@gatehouse/wire/ldap';
import { attribute } from './attribute-types.ts';
import type { Directory } from './directory.ts';
import type { RowLimits } from './stored-view.ts';

/** Names of groups; `undefined`: no such limit. */
export interface LimitRule {
  /** Only users in any of them, directly or through groups in them. */
  readonly usersIn: readonly string[] | undefined;
  readonly onlyGroups: readonly string[] | undefined;
  readonly activeOnly: boolean;
}

/** Linear in the groups below the named ones; each question afterwards in the groups of a user. */
export function limitRows(directory: Directory, { usersIn, onlyGroups, activeOnly }: LimitRule): RowLimits {
  const { memberships, users } = directory;
  const holders = usersIn === undefined ? undefined : below(directory, rowsNamed(directory, usersIn));
  const groups = onlyGroups === undefined ? undefined : new Set(rowsNamed(directory, onlyGroups));
  return {
    user(row) {
      if (activeOnly && users.records.firstValue(row, attribute.akActive) !== 'TRUE') return false;
      return holders === undefined || memberships.groupsOf(row).some((one) => holders.has(one));
    },
    group: (row) => groups === undefined || groups.has(row),
  };
}

/** Names of the groups that a user is in, directly or through groups in them. */
export function groupNamesOf({ memberships, nesting, groups }: Directory, row: number): string[] {
  const reached = new Set(memberships.groupsOf(row));
  for (const one of reached) for (const parent of nesting.groupsOf(one)) reached.add(parent);
  return [...reached].flatMap((one) => groups.records.firstValue(one, attribute.cn) ?? []);
}

function below({ nesting }: Directory, rows: readonly number[]): ReadonlySet<number> {
  const reached = new Set(rows);
  for (const one of reached) for (const child of nesting.membersOf(one).toArray()) reached.add(child);
  return reached;
}

function rowsNamed({ groups }: Directory, names: readonly string[]): number[] {
  return names.flatMap((name) => {
    const folded = foldValue(name);
    const rows = groups.withValue(attribute.cn, folded) ?? [];
    return rows.filter((row) => foldValue(groups.records.firstValue(row, attribute.cn) ?? '') === folded);
  });
}
