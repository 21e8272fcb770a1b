// Passwords of users, and accounts for services (core.md §11.2).

import { z } from 'zod';
import { names } from '../api/answers.ts';
import { createByRequest } from '../api/create.ts';
import { noPermission, notFound } from '../api/failure.ts';
import {
  type ApiRequest,
  authorOf,
  bodyOf,
  keyParameter,
  requirePermission,
  requirePrincipal,
} from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { InvalidInput, message } from '../models/invalid.ts';
import { createRow, findRow, updateRow } from '../models/store.ts';
import { inUnit } from '../models/unit.ts';
import { messagesByField } from '../models/validation.ts';
import { groupModel } from './models/group.ts';
import { tokenModel } from './models/token.ts';
import { userModel } from './models/user.ts';
import { may } from './permissions.ts';
import { userUid } from './users.ts';

/** An account that was made, with its key. */
export const serviceAccountShape = z.object({
  username: z.string(),
  token: z.string(),
  user_uid: z.string(),
  user_pk: z.int(),
  group_pk: z.string().optional(),
});

/** Paths that users are under. */
export const pathsShape = z.object({ paths: names });

const prefix = '/api/v3/core/users';
const serviceTokenMs = 360 * 86_400_000;

const newPassword = z.object({ password: z.string().min(1) });
const newServiceAccount = z.object({
  name: z.string().min(1).max(150),
  create_group: z.boolean().default(false),
  expiring: z.boolean().default(true),
  expires: z.coerce.date().optional(),
});

export function registerAccountRoutes(api: Api, deps: CoreDeps): void {
  api.post(
    `${prefix}/:key/set_password/`,
    { config: { operation: { summary: 'Set a password', body: newPassword, status: 204 } } },
    async (request, reply) => {
      const key = keyParameter(request);
      if (!may(requirePrincipal(request), 'authentik_core.reset_user_password', key)) throw noPermission();
      const user = await findRow(deps.database.kysely, userModel, 'id', key);
      if (user === undefined) throw notFound('User');
      const { success, data } = newPassword.safeParse(bodyOf(request));
      if (!success) throw new InvalidInput({ password: [message.required] });
      await inUnit(deps, authorOf(request), (unit) =>
        updateRow(unit, userModel, user, { password: data.password }, 'blueprint'),
      );
      return reply.code(204).send();
    },
  );
  api.post(
    `${prefix}/service_account/`,
    {
      config: {
        operation: { summary: 'Make an account for a service', body: newServiceAccount, answer: serviceAccountShape },
      },
    },
    (request) => createServiceAccount(deps, request),
  );
  api.get(
    `${prefix}/paths/`,
    { config: { operation: { summary: 'Folders of users', answer: pathsShape } } },
    async (request) => {
      requirePermission(request, 'authentik_core.view_user');
      const rows = await deps.database.kysely.selectFrom('users').select('path').distinct().orderBy('path').execute();
      return { paths: rows.map(({ path }) => path) };
    },
  );
}

async function createServiceAccount(deps: CoreDeps, request: ApiRequest) {
  requirePermission(request, 'authentik_core.add_user');
  requirePermission(request, 'authentik_core.add_token');
  const given = bodyOf(request);
  const { success, data, error } = newServiceAccount.safeParse(given);
  if (!success) throw new InvalidInput(messagesByField(error, given));
  const { name, create_group, expiring, expires = new Date(deps.clock.now() + serviceTokenMs) } = data;
  return inUnit(deps, authorOf(request), async (unit) => {
    const group = create_group ? await createByRequest(unit, groupModel, { name }) : undefined;
    const user = await createByRequest(unit, userModel, {
      username: name,
      name,
      type: 'service_account',
      path: 'goauthentik.io/service-accounts',
      attributes: { 'goauthentik.io/user/token-expires': expiring },
      groups: group === undefined ? [] : [group['uuid']],
    });
    const token = await createRow(
      unit,
      tokenModel,
      {
        identifier: `service-account-${name}-password`,
        intent: 'app_password',
        user: user['id'],
        expiring,
        ...(expiring ? { expires } : {}),
      },
      'blueprint',
    );
    return {
      username: name,
      user_uid: userUid(Number(user['id']), deps.installationId),
      user_pk: user['id'],
      token: token['key'],
      ...(group === undefined ? {} : { group_pk: group['uuid'] }),
    };
  });
}
