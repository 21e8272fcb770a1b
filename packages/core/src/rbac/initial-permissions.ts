// `authentik_rbac.initialpermissions` (core.md §3.3): rights that the roles of whoever makes an object get to it.
import { sql } from 'kysely';
import { z } from 'zod';
import { column, reference } from '../models/field.ts';
import { exactly } from '../models/filters.ts';
import { invalidField, message } from '../models/invalid.ts';
import { defineModel, type Model, type Row } from '../models/model.ts';
import { keyOf } from '../models/store.ts';
import type { Unit } from '../models/unit.ts';
import { nameOf, type Right, rightsOf } from './catalogue.ts';
import { grantToRole } from './models.ts';

export const initialPermissionsModel = defineModel({
  id: 'authentik_rbac.initialpermissions',
  noun: 'Initial Permissions',
  nouns: 'Initial Permissions',
  table: 'initial_permissions',
  key: 'id',
  keyType: 'integer',
  path: '/rbac/initial_permissions/',
  fields: {
    name: column('name', z.string().min(1).max(150)),
    role: reference({ name: 'role', in: 'column', table: 'roles', key: 'uuid', required: true }),
    /** Numbers of the catalogue, or names such as `authentik_core.view_group`; kept as names. */
    permissions: column('permissions', z.array(z.union([z.number().int(), z.string()])), { initial: [] }),
  },
  search: ['name'],
  order: ['name'],
  filters: { name: exactly('name'), role: exactly('role') },
  async prepare({ deps }, values) {
    const { permissions } = values;
    if (!Array.isArray(permissions)) return values;
    const rights = rightsOf(deps.registry);
    return { ...values, permissions: permissions.map((given: unknown) => fullName(rights, given)) };
  },
  derived: {
    permissions: z.array(z.int()),
    permissions_obj: z.array(z.looseObject({ id: z.int(), codename: z.string() })),
  },
  async derive({ registry }, rows) {
    const rights = rightsOf(registry);
    return rows.map(({ permissions: held }) => {
      const shown = rights.filter((right) => Array.isArray(held) && held.includes(nameOf(right)));
      return { permissions: shown.map(({ id }) => id), permissions_obj: shown };
    });
  },
});

/** @throws InvalidInput for what is no right */
function fullName(rights: readonly Right[], given: unknown): string {
  const right = rights.find((one) => one.id === given || nameOf(one) === given || one.codename === given);
  if (right === undefined) throw invalidField('permissions', message.missing(given));
  return nameOf(right);
}

/** The roles of whoever makes an object get what they are set to get on objects of its kind. */
export async function grantInitially({ db, deps, author }: Unit, model: Model, row: Row): Promise<void> {
  if (author.userPk === undefined) return;
  const { rows } = await sql<{ role: string; permissions: string[] }>`
    select role, permissions from initial_permissions where role in (
      select role from role_users where user_id = ${author.userPk}
      union select role from role_groups where group_uuid in (select groups_of_user(${author.userPk})))`.execute(db);
  if (rows.length === 0) return;
  const ofKind = new Set(
    rightsOf(deps.registry)
      .filter((right) => `${right.app_label}.${right.model}` === model.id)
      .map(nameOf),
  );
  for (const { role, permissions } of rows) {
    const names = permissions.filter((name) => ofKind.has(name));
    await grantToRole({ db }, role, names, String(keyOf(model, row)));
  }
}
