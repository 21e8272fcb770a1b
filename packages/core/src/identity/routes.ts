// Routes of users, groups and tokens beyond what every model has (core.md §11.2).
import { z } from 'zod';
import { authorOf, bodyOf, keyParameter, registerModelRoutes, rowOf } from '../api/crud.ts';
import { noPermission, notFound } from '../api/failure.ts';
import { queryOf, requirePermission, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { saveSession } from '../api/session-cookies.ts';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import { invalidField, message } from '../models/invalid.ts';
import { represent } from '../models/represent.ts';
import { createRow, findRow, updateRow } from '../models/store.ts';
import { inUnit } from '../models/unit.ts';
import { groupModel } from './models/group.ts';
import { tokenModel } from './models/token.ts';
import { userModel } from './models/user.ts';
import { may, mayEverywhere, type Principal } from './permissions.ts';
import { avatarOf, userUid } from './users.ts';
import { areWifiSecretsOn, drawWifiSecret, wifiIntent } from './wifi-secrets.ts';

const prefix = '/api/v3/core';

export function registerIdentityRoutes(api: Api, deps: CoreDeps): void {
  registerModelRoutes(api, deps, userModel);
  registerModelRoutes(api, deps, groupModel);
  registerModelRoutes(api, deps, tokenModel, { without: ['create'] });
  registerMe(api, deps);
  registerPasswords(api, deps);
  registerMembership(api, deps);
  registerTokens(api, deps);
  registerRotation(api, deps);
  api.get(`${prefix}/users/paths/`, async (request) => {
    requirePermission(request, 'authentik_core.view_user');
    const rows = await deps.database.kysely.selectFrom('users').select('path').distinct().orderBy('path').execute();
    return { paths: rows.map(({ path }) => path) };
  });
}

function registerMe(api: Api, deps: CoreDeps): void {
  api.get(`${prefix}/users/me/`, async (request, reply) => {
    const principal = requirePrincipal(request);
    const { session } = request.caller;
    if (session !== undefined && principal.via === 'session') await saveSession(deps, request, reply, session);
    return { user: await describeSelf(deps, principal) };
  });
}

async function describeSelf({ database, installationId }: CoreDeps, { user, isSuperuser, grants }: Principal) {
  const groups = await database.kysely
    .selectFrom('memberships')
    .innerJoin('group_ancestry', 'group_ancestry.descendant', 'memberships.group_uuid')
    .innerJoin('groups', 'groups.uuid', 'group_ancestry.ancestor')
    .select(['groups.uuid', 'groups.name'])
    .distinct()
    .where('memberships.user_id', '=', user.id)
    .orderBy('groups.name')
    .execute();
  return {
    pk: user.id,
    username: user.username,
    name: user.name,
    is_active: user.is_active,
    is_superuser: isSuperuser,
    groups: groups.map(({ uuid, name }) => ({ name, pk: uuid })),
    roles: [],
    email: user.email,
    avatar: avatarOf(user),
    uid: userUid(user.id, installationId),
    settings: settingsOf(user.attributes),
    type: user.type,
    system_permissions: [...grants].filter((grant) => !grant.includes(':')),
  };
}

function settingsOf(attributes: Readonly<Record<string, unknown>>): unknown {
  const settings = attributes['settings'];
  return typeof settings === 'object' && settings !== null ? settings : {};
}

function registerPasswords(api: Api, deps: CoreDeps): void {
  api.post(`${prefix}/users/:key/set_password/`, async (request, reply) => {
    const principal = requirePrincipal(request);
    const key = keyParameter(request);
    if (!may(principal, 'authentik_core.reset_user_password', key)) throw noPermission();
    const user = await findRow(deps.database.kysely, userModel, 'id', key);
    if (user === undefined) throw notFound('User');
    const password = z.string().min(1).safeParse(bodyOf(request)['password']);
    if (!password.success) throw invalidField('password', message.required);
    const encoded = await deps.passwords.make(password.data);
    const pk = Number(user['id']);
    await deps.database.kysely
      .updateTable('users')
      .set({ password: encoded, password_change_date: new Date(deps.clock.now()) })
      .where('id', '=', pk)
      .execute();
    // A changed password ends every session that the old one opened, except the one that changed it (core.md §23.3).
    await deps.sessions.endUser(pk, request.caller.session?.id);
    await recordEvent(deps, {
      action: 'password_set',
      app: 'authentik.core',
      user: { id: pk, username: String(user['username']), email: String(user['email']) },
      clientIp: request.caller.clientIp,
      context: {},
    });
    return reply.code(204).send();
  });
}

function registerMembership(api: Api, deps: CoreDeps): void {
  for (const action of ['add_user', 'remove_user'] as const)
    api.post(`${prefix}/groups/:key/${action}/`, async (request, reply) => {
      const principal = requirePrincipal(request);
      const group = await findRow(deps.database.kysely, groupModel, 'uuid', keyParameter(request));
      if (group === undefined) throw notFound('Group');
      if (
        !may(
          principal,
          `authentik_core.${action}_${action === 'add_user' ? 'to' : 'from'}_group`,
          String(group['uuid']),
        )
      )
        throw noPermission();
      const pk = Number(bodyOf(request)['pk']);
      const user = Number.isInteger(pk) ? await findRow(deps.database.kysely, userModel, 'id', pk) : undefined;
      if (user === undefined) throw notFound('User');
      await inUnit(deps, authorOf(request), async (unit) => {
        const members = await unit.db
          .selectFrom('memberships')
          .select('user_id')
          .where('group_uuid', '=', String(group['uuid']))
          .execute();
        const others = members.map(({ user_id }) => user_id).filter((member) => member !== pk);
        await updateRow(unit, groupModel, group, { users: action === 'add_user' ? [...others, pk] : others }, 'api');
      });
      return reply.code(204).send();
    });
}

function registerTokens(api: Api, deps: CoreDeps): void {
  api.post(`${prefix}/tokens/`, async (request, reply) => {
    const principal = requirePrincipal(request);
    const given = bodyOf(request);
    const everywhere = mayEverywhere(principal, 'authentik_core.add_token');
    const intent = given['intent'] ?? 'api';
    if (intent !== 'api' && intent !== 'app_password' && intent !== wifiIntent)
      throw invalidField('intent', `Invalid intent ${String(intent)}`);
    if (intent === wifiIntent && !(await areWifiSecretsOn(deps)))
      throw invalidField('intent', 'Wi-Fi secrets are off: no RADIUS provider has wifi_secrets switched on.');
    const input = {
      ...given,
      intent,
      user: everywhere ? (given['user'] ?? principal.user.id) : principal.user.id,
      ...(everywhere || intent === wifiIntent ? {} : { expiring: true }),
      ...(intent === wifiIntent ? { expiring: given['expiring'] ?? false } : {}),
      ...(intent === 'api' ? { expires: undefined } : {}),
    };
    const row = await inUnit(deps, authorOf(request), (unit) => createRow(unit, tokenModel, input, 'api'));
    const [shown] = await represent(deps, tokenModel, [row], queryOf(request));
    return reply.code(201).send(shown);
  });
  api.get(`${prefix}/tokens/:key/view_key/`, async (request) => {
    const token = await tokenRow(deps, request);
    const principal = requirePrincipal(request);
    if (
      !may(principal, 'authentik_core.view_token_key', String(token['uuid'])) &&
      token['user_id'] !== principal.user.id
    )
      throw noPermission();
    await recordEvent(deps, {
      action: 'secret_view',
      app: 'authentik.core',
      user: principal.user,
      clientIp: request.caller.clientIp,
      context: { model: { app: 'authentik_core', model_name: 'token', pk: token['uuid'], name: token['identifier'] } },
    });
    return { key: token['key'] };
  });
  api.post(`${prefix}/tokens/:key/set_key/`, async (request, reply) => {
    requirePermission(request, 'authentik_core.set_token_key');
    const token = await tokenRow(deps, request);
    if (token['intent'] === wifiIntent) throw invalidField('key', 'A Wi-Fi secret is generated: use rotate.');
    const key = z.string().min(1).safeParse(bodyOf(request)['key']);
    if (!key.success) throw invalidField('key', message.required);
    await inUnit(deps, authorOf(request), (unit) => updateRow(unit, tokenModel, token, { key: key.data }, 'blueprint'));
    return reply.code(204).send();
  });
}

/** A new Wi-Fi secret in place of the old one, which is dead at once, with the logins that it opened. */
function registerRotation(api: Api, deps: CoreDeps): void {
  api.post(`${prefix}/tokens/:key/rotate/`, async (request) => {
    const token = await rowOf(deps, tokenModel, request, 'change');
    if (token['intent'] !== wifiIntent) throw invalidField('intent', 'Only Wi-Fi secrets are rotated here.');
    const key = drawWifiSecret();
    await inUnit(deps, authorOf(request), (unit) => updateRow(unit, tokenModel, token, { key }, 'blueprint'));
    return { key };
  });
}

const tokenRow = (deps: CoreDeps, request: Parameters<typeof rowOf>[2]) => rowOf(deps, tokenModel, request, 'view');
