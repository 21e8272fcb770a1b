// `/core/user_consent/` (core.md §3.5, §11.2): what users have allowed applications, seen and taken back by themselves.

import { z } from 'zod';
import type { CoreDeps } from '../deps.ts';
import { wireUsers } from '../identity/users.ts';
import { column, integer, text } from '../models/field.ts';
import { exactly } from '../models/filters.ts';
import { defineModel, type Row } from '../models/model.ts';
import { represent } from '../models/represent.ts';
import { userShape } from '../models/shapes.ts';
import { applicationModel } from './models.ts';

export const consentModel = defineModel({
  id: 'authentik_core.userconsent',
  noun: 'User Consent',
  nouns: 'User Consents',
  table: 'consents',
  key: 'id',
  keyType: 'integer',
  path: '/core/user_consent/',
  verbs: ['list', 'retrieve', 'delete'],
  internal: true,
  owner: 'user_id',
  fields: {
    expires: column('expires', z.date().nullable(), { readOnly: true }),
    user: column('user', integer, { column: 'user_id', readOnly: true }),
    application: column('application', text, { readOnly: true }),
    permissions: column('permissions', text, { readOnly: true }),
  },
  search: ['permissions'],
  order: ['id'],
  filters: { user: exactly('user_id'), application: exactly('application') },
  derived: { expiring: z.boolean(), user: userShape, application: z.looseObject({ pk: z.uuid(), slug: z.string() }) },
  async derive(deps, rows, query) {
    const [users, applications] = await Promise.all([usersOf(deps, rows), applicationsOf(deps, rows, query)]);
    return rows.map((row) => ({
      expiring: row['expires'] !== null,
      user: users.get(row['user_id']),
      application: applications.get(row['application']),
    }));
  },
});

async function usersOf(deps: CoreDeps, rows: readonly Row[]): Promise<ReadonlyMap<unknown, object>> {
  const keys = rows.map((row) => Number(row['user_id']));
  if (keys.length === 0) return new Map();
  const found = await deps.database.kysely.selectFrom('users').selectAll().where('id', 'in', keys).execute();
  const shown = await wireUsers(deps, found, { groups: false, roles: false });
  return new Map(shown.map((user) => [user.pk, user]));
}

async function applicationsOf(deps: CoreDeps, rows: readonly Row[], query: URLSearchParams) {
  const keys = rows.map((row) => String(row['application']));
  if (keys.length === 0) return new Map<unknown, Row>();
  const found = await deps.database.kysely
    .selectFrom('applications')
    .selectAll()
    .where('pbm_uuid', 'in', keys)
    .execute();
  const shown = await represent(deps, applicationModel, found, query);
  return new Map<unknown, Row>(shown.map((row) => [row['pk'], row]));
}
