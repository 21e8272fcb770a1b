// Routes of roles and rights (core.md §11.6): who is in a role, and what a role may do, everywhere or with one object.

import { z } from 'zod';
import { pageShape } from '../api/answers.ts';
import { registerModelRoutes } from '../api/crud.ts';
import { noPermission, notFound } from '../api/failure.ts';
import { pageOf, readPageRequest } from '../api/pagination.ts';
import { type ApiRequest, authorOf, bodyOf, keyParameter, queryOf, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { rowOf } from '../api/visibility.ts';
import type { CoreDeps } from '../deps.ts';
import { userModel } from '../identity/models/user.ts';
import { may } from '../identity/permissions.ts';
import { invalidField, message } from '../models/invalid.ts';
import type { Row } from '../models/model.ts';
import { findRow } from '../models/store.ts';
import { type Change, type Difference, inUnit } from '../models/unit.ts';
import { assignedShape, rightOnObjectShape, rightShape, roleWithRightsShape } from './answers.ts';
import { nameOf, type Right, rightsOf } from './catalogue.ts';
import { grantToRole, roleModel } from './models.ts';

const prefix = '/api/v3/rbac';

export function registerRbacRoutes(api: Api, deps: CoreDeps): void {
  const rights = rightsOf(deps.registry);
  registerModelRoutes(api, deps, roleModel);
  registerRoleMembers(api, deps);
  registerAssignments(api, deps, rights);
  api.get(
    `${prefix}/permissions/`,
    { config: { operation: { summary: 'All rights there are', answer: pageShape(rightShape) } } },
    (request) => {
      requirePrincipal(request);
      return pageOfRights(deps, request, rights);
    },
  );
  api.get(
    `${prefix}/permissions/:key/`,
    { config: { operation: { summary: 'One right', answer: rightShape } } },
    (request) => {
      requirePrincipal(request);
      const right = rights.find(({ id }) => String(id) === keyParameter(request));
      if (right === undefined) throw notFound('Permission');
      return right;
    },
  );
}

function pageOfRights(deps: CoreDeps, request: ApiRequest, rights: readonly Right[]) {
  const query = queryOf(request);
  const words = (query.get('search') ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  const codename = query.get('codename');
  const app = query.get('content_type__app_label');
  const model = query.get('content_type__model');
  const found = rights.filter(
    (right) =>
      (codename === null || right.codename === codename) &&
      (app === null || right.app_label === app) &&
      (model === null || right.model === model) &&
      words.every((word) =>
        `${right.codename} ${right.app_label} ${right.model} ${right.name}`.toLowerCase().includes(word),
      ),
  );
  const page = readPageRequest(query, deps.settings.current());
  return pageOf(page, found.length, found.slice(page.offset, page.offset + page.size));
}

function registerRoleMembers(api: Api, deps: CoreDeps): void {
  const body = z.object({ pk: z.number().int() });
  for (const action of ['add_user', 'remove_user'] as const)
    api.post(
      `${prefix}/roles/:key/${action}/`,
      { config: { operation: { summary: 'Who holds the role', body, status: 204 } } },
      async (request, reply) => {
        const role = await rowOf(deps, roleModel, request, 'change');
        const pk = body.safeParse(bodyOf(request)).data?.pk;
        const user = pk === undefined ? undefined : await findRow(deps.database.kysely, userModel, 'id', pk);
        if (user === undefined || pk === undefined) throw notFound('User');
        const member = { role: String(role['uuid']), user_id: pk };
        await inUnit(deps, authorOf(request), async (unit) => {
          if (action === 'add_user')
            await unit.db
              .insertInto('role_users')
              .values(member)
              .onConflict((conflict) => conflict.doNothing())
              .execute();
          else
            await unit.db.deleteFrom('role_users').where('role', '=', member.role).where('user_id', '=', pk).execute();
          unit.changes.push({
            model: roleModel.id,
            action: 'updated',
            row: role,
            key: member.role,
            fields: ['users'],
            difference: { users: { previous_value: null, new_value: `${action} ${pk}` } },
          });
        });
        return reply.code(204).send();
      },
    );
}

const assignment = z.object({
  permissions: z.array(z.string()).min(1),
  model: z.string().optional(),
  object_pk: z.union([z.string(), z.number()]).optional(),
});

function registerAssignments(api: Api, deps: CoreDeps, rights: readonly Right[]): void {
  const base = `${prefix}/permissions/assigned_by_roles`;
  const operation = { body: assignment, answer: z.array(assignedShape) };
  const about = (summary: string, status: 200 | 204) => ({ config: { operation: { ...operation, summary, status } } });
  api.get(
    `${base}/`,
    { config: { operation: { summary: 'Rights of roles on a model', answer: pageShape(roleWithRightsShape) } } },
    (request) => assignedByRoles(deps, request, rights),
  );
  api.get(
    `${prefix}/permissions/roles/`,
    { config: { operation: { summary: 'Rights of one role', answer: pageShape(rightOnObjectShape) } } },
    (request) => rightsOfRole(deps, request, rights),
  );
  api.post(`${base}/:key/assign/`, about('Give rights', 200), async (request, reply) => {
    const { row, role, names, object } = await readAssignment(deps, request, rights, 'assign_role_permissions');
    await inUnit(deps, authorOf(request), async (unit) => {
      await grantToRole(unit, role, names, object);
      unit.changes.push(changeOfRights(row, { previous_value: null, new_value: told(names, object) }));
    });
    return reply.code(200).send(names.map((id) => ({ id })));
  });
  api.patch(`${base}/:key/unassign/`, about('Take rights away', 204), async (request, reply) => {
    const { row, role, names, object } = await readAssignment(deps, request, rights, 'unassign_role_permissions');
    await inUnit(deps, authorOf(request), async (unit) => {
      await unit.db
        .deleteFrom('role_permissions')
        .where('role', '=', role)
        .where('permission', 'in', names)
        .where('object', '=', object)
        .execute();
      unit.changes.push(changeOfRights(row, { previous_value: told(names, object), new_value: null }));
    });
    return reply.code(204).send();
  });
}

const told = (names: readonly string[], object: string) =>
  object === '' ? [...names] : names.map((name) => `${name} ${object}`);

/** What a role may do is part of it: a change of that is one of the role. */
function changeOfRights(row: Row, permissions: Difference[string]): Change {
  const key = String(row['uuid']);
  return { model: roleModel.id, action: 'updated', row, key, fields: ['permissions'], difference: { permissions } };
}

async function readAssignment(deps: CoreDeps, request: ApiRequest, rights: readonly Right[], permission: string) {
  const principal = requirePrincipal(request);
  const key = keyParameter(request);
  if (!may(principal, `authentik_rbac.${permission}`, key)) throw noPermission();
  const role = await findRow(deps.database.kysely, roleModel, 'uuid', key);
  if (role === undefined) throw notFound('Role');
  const { success, data } = assignment.safeParse(bodyOf(request));
  if (!success) throw invalidField('permissions', message.required);
  const { permissions, model, object_pk } = data;
  const names = permissions.map((name) => fullName(rights, name, model));
  if (object_pk !== undefined && deps.registry.get(model ?? '') === undefined)
    throw invalidField('model', message.choice(model ?? ''));
  return { row: role, role: key, names, object: object_pk === undefined ? '' : String(object_pk) };
}

/** @throws InvalidInput for a right that does not exist */
function fullName(rights: readonly Right[], name: string, model: string | undefined): string {
  const [app = '', kind = ''] = (model ?? '').split('.');
  const right = rights.find(
    (one) =>
      nameOf(one) === name ||
      (one.codename === name && (model === undefined || (one.app_label === app && one.model === kind))),
  );
  if (right === undefined) throw invalidField('permissions', message.choice(name));
  return nameOf(right);
}

async function assignedByRoles(deps: CoreDeps, request: ApiRequest, rights: readonly Right[]) {
  const principal = requirePrincipal(request);
  if (!may(principal, 'authentik_rbac.view_role', '')) throw noPermission();
  const query = queryOf(request);
  const model = query.get('model');
  if (model === null) throw invalidField('model', message.required);
  const object = query.get('object_pk');
  const ofModel = rights.filter((right) => `${right.app_label}.${right.model}` === model);
  const rows = await deps.database.kysely
    .selectFrom('role_permissions')
    .innerJoin('roles', 'roles.uuid', 'role_permissions.role')
    .select([
      'role_permissions.id',
      'roles.uuid',
      'roles.name',
      'role_permissions.permission',
      'role_permissions.object',
    ])
    .where('role_permissions.permission', 'in', ['', ...ofModel.map(nameOf)])
    .orderBy('roles.name')
    .execute();
  const mine = rows.filter((row) => row.object === '' || object === null || row.object === object);
  const roles = [...new Map(mine.map(({ uuid, name }) => [uuid, name]))];
  const results = roles.map(([role_pk, name]) => {
    const held = mine.filter(({ uuid }) => uuid === role_pk);
    return {
      role_pk,
      name,
      model_permissions: held.filter((row) => row.object === '').map((row) => described(rights, row)),
      object_permissions: held
        .filter((row) => row.object !== '')
        .map((row) => ({ ...described(rights, row), object_pk: row.object })),
    };
  });
  const page = readPageRequest(query, deps.settings.current());
  return pageOf(page, results.length, results.slice(page.offset, page.offset + page.size));
}

function described(rights: readonly Right[], { id, permission }: { readonly id: number; readonly permission: string }) {
  const right = rights.find((one) => nameOf(one) === permission);
  const [app_label = '', codename = ''] = permission.split('.');
  return { id, codename, model: right?.model ?? '', app_label, name: right?.name ?? permission };
}

async function rightsOfRole(deps: CoreDeps, request: ApiRequest, rights: readonly Right[]) {
  const query = queryOf(request);
  const uuid = query.get('uuid') ?? '';
  if (!may(requirePrincipal(request), 'authentik_rbac.view_role', uuid)) throw noPermission();
  const role = await findRow(deps.database.kysely, roleModel, 'uuid', uuid);
  if (role === undefined) throw notFound('Role');
  const rows = await deps.database.kysely
    .selectFrom('role_permissions')
    .select(['id', 'permission', 'object'])
    .where('role', '=', uuid)
    .where('object', '!=', '')
    .orderBy('id')
    .execute();
  const results = rows.map((row) => ({
    ...described(rights, row),
    object_pk: row.object,
    app_label_verbose: row.permission.split('.')[0] ?? '',
    model_verbose: rights.find((one) => nameOf(one) === row.permission)?.model_verbose ?? '',
    object_description: row.object,
  }));
  const page = readPageRequest(query, deps.settings.current());
  return pageOf(page, results.length, results.slice(page.offset, page.offset + page.size));
}
