// Groups as the API shows them: members, parents and children in a fixed number of queries for any number of groups.
import type { Wire } from '@gatehouse/contract/rest';
import type { Group } from '@goauthentik/api';
import type { CoreDeps } from '../deps.ts';
import { rolesInherited, rolesOfGroups } from './roles.ts';
import { type GroupRecord, groupNumber, userUid } from './users.ts';

export interface GroupView {
  readonly users: boolean;
  readonly children: boolean;
  readonly parents: boolean;
  readonly inheritedRoles: boolean;
}

export async function wireGroups(
  deps: CoreDeps,
  groups: readonly GroupRecord[],
  view: GroupView,
): Promise<Wire<Group>[]> {
  const ids = groups.map(({ uuid }) => uuid);
  const members = await membersOf(deps, ids);
  const edges = await edgesOf(deps, ids);
  const roles = await rolesOfGroups(deps, ids);
  const inherited = view.inheritedRoles ? await rolesInherited(deps, ids) : undefined;
  return groups.map((group) => {
    const users = members.get(group.uuid) ?? [];
    const parents = edges.parents.get(group.uuid) ?? [];
    const children = edges.children.get(group.uuid) ?? [];
    return {
      pk: group.uuid,
      num_pk: groupNumber(group.uuid),
      name: group.name,
      is_superuser: group.is_superuser,
      parents: parents.map(({ uuid }) => uuid),
      parents_obj: view.parents ? parents.map(related) : null,
      users: users.map(({ pk }) => pk),
      users_obj: view.users ? users : null,
      attributes: group.attributes,
      roles: (roles.get(group.uuid) ?? []).map(({ pk }) => pk),
      roles_obj: roles.get(group.uuid) ?? [],
      inherited_roles_obj: inherited === undefined ? null : (inherited.get(group.uuid) ?? []),
      children: children.map(({ uuid }) => uuid),
      children_obj: view.children ? children.map(related) : null,
    } satisfies Record<keyof Wire<Group>, unknown> as Wire<Group>;
  });
}

function related(group: GroupRecord) {
  return {
    pk: group.uuid,
    group_uuid: group.uuid,
    name: group.name,
    is_superuser: group.is_superuser,
    attributes: group.attributes,
  };
}

async function membersOf({ database, installationId }: CoreDeps, groups: readonly string[]) {
  const found = new Map<string, ReturnType<typeof member>[]>();
  if (groups.length === 0) return found;
  const rows = await database.kysely
    .selectFrom('memberships')
    .innerJoin('users', 'users.id', 'memberships.user_id')
    .select([
      'memberships.group_uuid',
      'users.id',
      'users.username',
      'users.name',
      'users.is_active',
      'users.last_login',
      'users.email',
      'users.attributes',
    ])
    .where('memberships.group_uuid', 'in', [...groups])
    .orderBy('users.id')
    .execute();
  for (const row of rows) {
    const list = found.get(row.group_uuid) ?? [];
    list.push(member(row, installationId));
    found.set(row.group_uuid, list);
  }
  return found;
}

function member(
  row: {
    id: number;
    username: string;
    name: string;
    is_active: boolean;
    last_login: Date | null;
    email: string;
    attributes: Record<string, unknown>;
  },
  installationId: string,
) {
  return {
    pk: row.id,
    username: row.username,
    name: row.name,
    is_active: row.is_active,
    last_login: row.last_login?.toISOString() ?? null,
    email: row.email,
    attributes: row.attributes,
    uid: userUid(row.id, installationId),
  };
}

async function edgesOf({ database }: CoreDeps, groups: readonly string[]) {
  const parents = new Map<string, GroupRecord[]>();
  const children = new Map<string, GroupRecord[]>();
  if (groups.length === 0) return { parents, children };
  const edges = await database.kysely
    .selectFrom('group_parents')
    .select(['child', 'parent'])
    .where((where) => where.or([where('child', 'in', [...groups]), where('parent', 'in', [...groups])]))
    .execute();
  const ids = [...new Set(edges.flatMap(({ child, parent }) => [child, parent]))];
  const rows =
    ids.length === 0
      ? []
      : await database.kysely.selectFrom('groups').selectAll().where('uuid', 'in', ids).orderBy('name').execute();
  for (const row of rows) {
    for (const { child, parent } of edges) {
      if (parent === row.uuid) parents.set(child, [...(parents.get(child) ?? []), row]);
      if (child === row.uuid) children.set(parent, [...(children.get(parent) ?? []), row]);
    }
  }
  return { parents, children };
}
