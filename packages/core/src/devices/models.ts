// `authentik_stages_authenticator_totp.totpdevice` and `…static.staticdevice` (core.md §5.4): second factors as their owners
// see, rename and delete them. They are made by set-up stages only.
import type { CoreDeps } from '../deps.ts';
import { wireUsers } from '../identity/users.ts';
import { column, line, type ModelId } from '../models/field.ts';
import { exactly } from '../models/filters.ts';
import { defineModel, type Row } from '../models/model.ts';

const verbs = ['list', 'retrieve', 'update', 'delete'] as const;

const deviceModel = (id: ModelId, kind: string, noun: string) =>
  defineModel({
    id,
    noun,
    nouns: `${noun}s`,
    table: 'devices',
    kind,
    key: 'id',
    keyType: 'integer',
    path: `/authenticators/${kind}/`,
    verbs,
    owner: 'user_id',
    fields: { name: column('name', line) },
    search: ['name'],
    order: ['name'],
    filters: { name: exactly('name') },
    derive: kind === 'static' ? withTokens : withUser,
  });

export const totpDeviceModel = deviceModel('authentik_stages_authenticator_totp.totpdevice', 'totp', 'TOTP Device');
export const staticDeviceModel = deviceModel(
  'authentik_stages_authenticator_static.staticdevice',
  'static',
  'Static Device',
);
export const deviceModels = [totpDeviceModel, staticDeviceModel];

async function withUser(deps: CoreDeps, rows: readonly Row[]): Promise<readonly Row[]> {
  const pks = rows.map((row) => Number(row['user_id']));
  const users =
    pks.length === 0 ? [] : await deps.database.kysely.selectFrom('users').selectAll().where('id', 'in', pks).execute();
  const shown = new Map((await wireUsers(deps, users, { groups: false, roles: false })).map((user) => [user.pk, user]));
  return rows.map((row) => ({ user: shown.get(Number(row['user_id'])) }));
}

async function withTokens(deps: CoreDeps, rows: readonly Row[]): Promise<readonly Row[]> {
  const ids = rows.map((row) => Number(row['id']));
  const tokens =
    ids.length === 0
      ? []
      : await deps.database.kysely.selectFrom('static_tokens').selectAll().where('device_id', 'in', ids).execute();
  const users = await withUser(deps, rows);
  return rows.map((row, at) => ({
    ...users[at],
    token_set: tokens.filter(({ device_id: id }) => id === row['id']).map(({ token }) => ({ token })),
  }));
}
