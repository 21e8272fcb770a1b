// Adding users to groups and taking them out (core.md §11.2), one at a time and without touching anybody else's membership.
import { z } from 'zod';
import { noPermission, notFound } from '../api/failure.ts';
import { type ApiReply, type ApiRequest, authorOf, bodyOf, keyParameter, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import type { Row } from '../models/model.ts';
import { findRow } from '../models/store.ts';
import { inUnit, type Unit } from '../models/unit.ts';
import { groupModel } from './models/group.ts';
import { userModel } from './models/user.ts';
import { may } from './permissions.ts';

const member = z.object({ pk: z.number().int() });
const rights = { add_user: 'add_user_to_group', remove_user: 'remove_user_from_group' } as const;
type Action = keyof typeof rights;

export function registerMembershipRoutes(api: Api, deps: CoreDeps): void {
  for (const action of ['add_user', 'remove_user'] as const)
    api.post(
      `/api/v3/core/groups/:key/${action}/`,
      { config: { operation: { summary: 'Who is in a group', body: member, status: 204 } } },
      (request, reply) => change(deps, action, request, reply),
    );
}

async function change(deps: CoreDeps, action: Action, request: ApiRequest, reply: ApiReply) {
  const principal = requirePrincipal(request);
  const group = await findRow(deps.database.kysely, groupModel, 'uuid', keyParameter(request));
  if (group === undefined) throw notFound('Group');
  if (!may(principal, `authentik_core.${rights[action]}`, String(group['uuid']))) throw noPermission();
  const pk = member.safeParse(bodyOf(request)).data?.pk;
  const user = pk === undefined ? undefined : await findRow(deps.database.kysely, userModel, 'id', pk);
  if (user === undefined) throw notFound('User');
  await inUnit(deps, authorOf(request), (unit) => store(unit, action, group, user));
  return reply.code(204).send();
}

async function store(unit: Unit, action: Action, group: Row, user: Row): Promise<void> {
  const pair = { group_uuid: String(group['uuid']), user_id: Number(user['id']) };
  const changed =
    action === 'add_user'
      ? await unit.db
          .insertInto('memberships')
          .values(pair)
          .onConflict((conflict) => conflict.doNothing())
          .returning('user_id')
          .execute()
      : await unit.db
          .deleteFrom('memberships')
          .where('group_uuid', '=', pair.group_uuid)
          .where('user_id', '=', pair.user_id)
          .returning('user_id')
          .execute();
  if (changed.length === 0) return;
  const before = action === 'add_user' ? null : pair.user_id;
  const after = action === 'add_user' ? pair.user_id : null;
  unit.changes.push(
    {
      model: groupModel.id,
      action: 'updated',
      row: group,
      key: pair.group_uuid,
      fields: ['users'],
      difference: { users: { previous_value: before, new_value: after } },
    },
    {
      model: userModel.id,
      action: 'updated',
      row: user,
      key: pair.user_id,
      fields: ['groups'],
      difference: {
        groups: {
          previous_value: before === null ? null : pair.group_uuid,
          new_value: after === null ? null : pair.group_uuid,
        },
      },
    },
  );
}
