// Second factors as the API lists them (core.md §5.4, §11.5).

import { sql } from 'kysely';
import { z } from 'zod';
import type { CoreDeps } from '../deps.ts';
import { userUid } from '../identity/users.ts';
import { column, flag, reference, setting } from '../models/field.ts';
import { exactly } from '../models/filters.ts';
import { defineModel, type Model, type Row } from '../models/model.ts';
import { userShape } from '../models/shapes.ts';

const shared = {
  table: 'devices',
  key: 'id',
  keyType: 'integer',
  owner: 'user_id',
  search: ['name'],
  order: ['name'],
  filters: { name: exactly('name') },
} as const;

const fields = {
  name: column('name', z.string().min(1).max(64)),
  user: reference({ name: 'user', in: 'column', column: 'user_id', table: 'users', key: 'id', required: true }),
  confirmed: column('confirmed', flag, { initial: true, readOnly: true, hidden: true }),
};

export const totpDeviceModel = defineModel({
  ...shared,
  id: 'authentik_stages_authenticator_totp.totpdevice',
  noun: 'TOTP Device',
  nouns: 'TOTP Devices',
  kind: 'totp',
  path: '/authenticators/totp/',
  verbs: ['list', 'retrieve', 'update', 'delete'],
  fields: { ...fields, key: setting(z.string().regex(/^(?:[0-9a-f]{2})+$/i), { hidden: true, blueprintOnly: true }) },
  derived: { user: userShape },
  async derive(deps, rows) {
    const users = await owners(deps, rows);
    return rows.map((row) => ({ user: users.get(Number(row['user_id'])) }));
  },
});

export const staticDeviceModel = defineModel({
  ...shared,
  id: 'authentik_stages_authenticator_static.staticdevice',
  noun: 'Static Device',
  nouns: 'Static Devices',
  kind: 'static',
  path: '/authenticators/static/',
  verbs: ['list', 'retrieve', 'update', 'delete'],
  fields,
  derived: { user: userShape, token_set: z.array(z.object({ token: z.string() })) },
  async derive(deps, rows) {
    const users = await owners(deps, rows);
    const ids = rows.map((row) => Number(row['id']));
    const tokens =
      ids.length === 0
        ? []
        : await deps.database.kysely.selectFrom('static_tokens').selectAll().where('device_id', 'in', ids).execute();
    return rows.map((row) => ({
      user: users.get(Number(row['user_id'])),
      token_set: tokens.filter(({ device_id }) => device_id === row['id']).map(({ token }) => ({ token })),
    }));
  },
});

export const deviceModels: readonly Model[] = [totpDeviceModel, staticDeviceModel];

/** `authentik_stages_authenticator_totp.TOTPDevice`, as the API names the type of a device. */
export const deviceTypes: Readonly<Record<string, string>> = {
  totp: 'authentik_stages_authenticator_totp.TOTPDevice',
  static: 'authentik_stages_authenticator_static.StaticDevice',
};

async function owners({ database, installationId }: CoreDeps, rows: readonly Row[]) {
  const pks = rows.map((row) => Number(row['user_id']));
  const users =
    pks.length === 0 ? [] : await database.kysely.selectFrom('users').selectAll().where('id', 'in', pks).execute();
  return new Map(
    users.map((user) => [
      user.id,
      {
        pk: user.id,
        username: user.username,
        name: user.name,
        is_active: user.is_active,
        last_login: user.last_login?.toISOString() ?? null,
        email: user.email,
        attributes: user.attributes,
        uid: userUid(user.id, installationId),
      },
    ]),
  );
}

/** Rows of one user. */
export const ofUser = (pk: number) => sql<boolean>`user_id = ${pk}`;
