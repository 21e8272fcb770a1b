// Views over rows of the core: of everything, or of what one user may see of himself (ldap.md §7.3, §7.5).
import type { GroupRow, UserRow } from '@gatehouse/contract/rest';
import type { CustomTypes } from '../mapping/custom-attributes.ts';
import { groupEntry } from '../mapping/group.ts';
import { userEntry, virtualGroupEntry } from '../mapping/user.ts';
import { entryDn, type Provider } from '../providers/provider.ts';
import type { Entry } from './entry.ts';
import { containerEntries, domainEntry, type ServerFacts } from './fixed-entries.ts';
import { DirectoryView } from './view.ts';

export interface Population {
  readonly users: readonly UserRow[];
  readonly groups: readonly GroupRow[];
}

export interface ViewContext {
  readonly provider: Provider;
  readonly types: CustomTypes;
  readonly facts: ServerFacts;
}

/** Everything. Linear in users, groups and memberships. */
export function fullView({ users, groups }: Population, context: ViewContext): DirectoryView {
  const { provider, types } = context;
  const groupName = new Map(groups.map(({ pk, name }) => [pk, name]));
  const username = new Map(users.map((user) => [user.pk, user.username]));
  const userEntries = users.map((user) => userEntry(user, groupNamesOf(user, groupName), provider, types));
  const groupEntries = groups.map((group) =>
    groupEntry(group, relationsOf(group, username, groupName), provider, types),
  );
  const virtualEntries = users.map((user) => virtualGroupEntry(user, provider));
  return assemble(context, userEntries, groupEntries, virtualEntries);
}

/** The user itself, its groups with it as the only member, its virtual group; `groups` holds at least its direct ones. */
export function ownView(user: UserRow, groups: readonly GroupRow[], context: ViewContext): DirectoryView {
  const { provider, types } = context;
  const own = new Set(user.groups);
  const mine = groups.filter(({ pk }) => own.has(pk));
  const groupName = new Map(groups.map(({ pk, name }) => [pk, name]));
  const entry = userEntry(user, groupNamesOf(user, groupName), provider, types);
  const groupEntries = mine.map((group) => {
    const parentNames = relationsOf(group, new Map(), groupName).parentNames;
    return groupEntry(group, { memberNames: [user.username], childNames: [], parentNames }, provider, types);
  });
  return assemble(context, [entry], groupEntries, [virtualGroupEntry(user, provider)]);
}

function assemble(
  { provider, types, facts }: ViewContext,
  users: readonly Entry[],
  groups: readonly Entry[],
  virtualGroups: readonly Entry[],
): DirectoryView {
  const [usersOu, groupsOu, virtualOu] = containerEntries(provider);
  const entries = [
    domainEntry(provider, facts),
    ...(usersOu === undefined ? [] : [usersOu]),
    ...users,
    ...(groupsOu === undefined ? [] : [groupsOu]),
    ...groups,
    ...(virtualOu === undefined ? [] : [virtualOu]),
    ...virtualGroups,
  ];
  return new DirectoryView(entries, (folded) => types.find(folded));
}

/** Names of direct groups, in the core's order; a group that is not at hand keeps the name the row brings. */
function groupNamesOf(user: UserRow, names: ReadonlyMap<string, string>): string[] {
  const brought = new Map((user.groups_obj ?? []).map(({ pk, name }) => [pk, name]));
  return user.groups.flatMap((pk) => names.get(pk) ?? brought.get(pk) ?? []);
}

function relationsOf(group: GroupRow, usernames: ReadonlyMap<number, string>, names: ReadonlyMap<string, string>) {
  const users = new Map((group.users_obj ?? []).map(({ pk, username }) => [pk, username]));
  const relatives = new Map(
    [...(group.children_obj ?? []), ...(group.parents_obj ?? [])].map(({ pk, name }) => [pk, name]),
  );
  const named = (pks: readonly string[]) => pks.flatMap((pk) => names.get(pk) ?? relatives.get(pk) ?? []);
  return {
    memberNames: group.users.flatMap((pk) => usernames.get(pk) ?? users.get(pk) ?? []),
    childNames: named(group.children ?? []),
    parentNames: named(group.parents),
  };
}

/** DN of the user's entry, as WhoAmI tells it. */
export function userDn(username: string, provider: Provider): string {
  return entryDn(username, provider.users);
}
