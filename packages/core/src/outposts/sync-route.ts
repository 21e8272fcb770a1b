import { z } from 'zod';
// `GET /outposts/sync/`: users and groups that have changed since a cursor, as the lists show them (core.md §23.2). A core
// without it answers 404, and outposts go by what lists can tell.
import { ApiFailure } from '../api/failure.ts';
import { type ApiRequest, queryOf, requirePermission } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { wireGroups } from '../identity/groups.ts';
import { anonymousUsername, wireUsers } from '../identity/users.ts';
import { changesSince } from './change-log.ts';

const since = <Key extends z.ZodType>(key: Key) =>
  z.object({ changed: z.array(z.looseObject({ pk: key })), gone: z.array(key) });

/** What has changed since a cursor. */
export const syncShape = z.object({
  cursor: z.string(),
  reset: z.boolean(),
  users: since(z.int()),
  groups: since(z.string()),
});

export function registerSyncRoute(api: Api, deps: CoreDeps): void {
  const config = { operation: { summary: 'Users and groups that changed since a cursor', answer: syncShape } };
  api.get('/api/v3/outposts/sync/', { config }, (request) => sync(deps, request));
}

async function sync(deps: CoreDeps, request: ApiRequest) {
  requirePermission(request, 'authentik_core.view_user');
  requirePermission(request, 'authentik_core.view_group');
  const since = queryOf(request).get('since') ?? undefined;
  if (since !== undefined && !/^\d{1,19}$/.test(since)) throw new ApiFailure(400, { since: ['Not a cursor.'] });
  const { cursor, changes } = await changesSince(deps.database, since);
  const reset = changes === undefined;
  const keys = (kind: string) => [
    ...new Set((changes ?? []).filter((change) => change.kind === kind).map(({ key }) => key)),
  ];
  const users = await usersOf(deps, keys('user').map(Number));
  const groups = await groupsOf(deps, keys('group'));
  return { cursor, reset, users, groups };
}

/** Rows as lists show them, and the keys of those that are gone. */
async function usersOf(deps: CoreDeps, pks: readonly number[]) {
  if (pks.length === 0) return { changed: [], gone: [] };
  const { kysely } = deps.database;
  const rows = await kysely
    .selectFrom('users')
    .selectAll()
    .where('id', 'in', [...pks])
    .where('username', '!=', anonymousUsername)
    .execute();
  const found = new Set(rows.map(({ id }) => id));
  return {
    changed: await wireUsers(deps, rows, { groups: false, roles: false }),
    gone: pks.filter((pk) => !found.has(pk)),
  };
}

async function groupsOf(deps: CoreDeps, ids: readonly string[]) {
  if (ids.length === 0) return { changed: [], gone: [] };
  const rows = await deps.database.kysely
    .selectFrom('groups')
    .selectAll()
    .where('uuid', 'in', [...ids])
    .execute();
  const found = new Set(rows.map(({ uuid }) => uuid));
  const view = { users: false, children: true, parents: false, inheritedRoles: false };
  return { changed: await wireGroups(deps, rows, view), gone: ids.filter((id) => !found.has(id)) };
}
