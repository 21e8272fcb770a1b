// `/api/v3/core/authenticated_sessions/` (core.md §11.2): logged-in sessions, seen by their users, ended by deletion.
import { sql } from 'kysely';
import { z } from 'zod';
import { pageOfRows, registerModelRoutes } from '../api/crud.ts';
import { queryOf, requirePermission, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { rowOf, visibility } from '../api/visibility.ts';
import type { CoreDeps } from '../deps.ts';
import { column, integer, text } from '../models/field.ts';
import { exactly } from '../models/filters.ts';
import { defineModel } from '../models/model.ts';

export const sessionModel = defineModel({
  id: 'authentik_core.authenticatedsession',
  noun: 'Authenticated Session',
  nouns: 'Authenticated Sessions',
  table: 'sessions',
  key: 'uuid',
  keyType: 'uuid',
  path: '/core/authenticated_sessions/',
  verbs: ['list', 'retrieve', 'delete'],
  internal: true,
  owner: 'user_id',
  fields: {
    uuid: column('uuid', text, { readOnly: true }),
    user: column('user', integer, { column: 'user_id', readOnly: true }),
    last_ip: column('last_ip', text, { readOnly: true }),
    last_user_agent: column('last_user_agent', text, { readOnly: true }),
    last_used: column('last_used', z.date(), { readOnly: true }),
    expires: column('expires', z.date(), { readOnly: true }),
  },
  search: ['last_ip', 'last_user_agent'],
  order: ['-last_used'],
  filters: {
    user: exactly('user_id'),
    user__username: (values) =>
      sql<boolean>`user_id in (select id from users where username in (${sql.join([...values])}))`,
    session__last_ip: exactly('last_ip'),
    session__last_user_agent: exactly('last_user_agent'),
  },
  derived: {
    current: z.boolean(),
    user_agent: z.looseObject({ string: z.string() }),
    geo_ip: z.looseObject({}).nullable(),
    asn: z.looseObject({}).nullable(),
  },
  async derive({ locations }, rows) {
    const located = await Promise.all(rows.map((row) => locations.of(String(row['last_ip']))));
    return rows.map((row, at) => ({
      current: false,
      user_agent: describeUserAgent(String(row['last_user_agent'])),
      geo_ip: located[at]?.place ?? null,
      asn: located[at]?.network ?? null,
    }));
  },
});

export function registerSessionRoutes(api: Api, deps: CoreDeps): void {
  const path = `/api/v3${sessionModel.path}`;
  const loggedIn = sql<boolean>`user_id is not null`;
  api.get(path, { config: { operation: { model: sessionModel, verb: 'list' } } }, async (request) => {
    const page = await pageOfRows(deps, sessionModel, request, [
      ...visibility(requirePrincipal(request), sessionModel),
      loggedIn,
    ]);
    const own = await currentSession(deps, request.caller.session?.id);
    return { ...page, results: page.results.map((row) => ({ ...row, current: row['uuid'] === own })) };
  });
  api.delete(
    `${path}bulk_delete/`,
    { config: { operation: { summary: 'End all sessions of users', answer: z.object({ deleted: z.number() }) } } },
    async (request) => {
      requirePermission(request, 'authentik_core.delete_authenticatedsession');
      const users = queryOf(request).getAll('user_pks').map(Number).filter(Number.isInteger);
      if (users.length === 0) return { deleted: 0 };
      const rows = await deps.database.kysely
        .selectFrom('sessions')
        .select('id')
        .where('user_id', 'in', users)
        .execute();
      await deps.sessions.end(rows.map(({ id }) => id));
      return { deleted: rows.length };
    },
  );
  api.delete(
    `${path}:key/`,
    { config: { operation: { model: sessionModel, verb: 'delete' } } },
    async (request, reply) => {
      const row = await rowOf(deps, sessionModel, request, 'delete');
      await deps.sessions.end([String(row['id'])]);
      return reply.code(204).send();
    },
  );
  registerModelRoutes(api, deps, sessionModel, { without: ['list', 'delete'] });
}

async function currentSession({ database }: CoreDeps, id: string | undefined): Promise<string | undefined> {
  if (id === undefined) return undefined;
  return (await database.kysely.selectFrom('sessions').select('uuid').where('id', '=', id).executeTakeFirst())?.uuid;
}

/** What a User-Agent field tells, in the shape of the API; unknown parts are `Other`. */
function describeUserAgent(value: string) {
  const browser = /(Firefox|Edg|Chrome|Version|curl|Wget)\/(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(value);
  const names: Readonly<Record<string, string>> = { Edg: 'Edge', Version: 'Safari' };
  const system = /(Windows NT|Android|iPhone OS|Mac OS X|Linux)[ /]?(\d+)?[._]?(\d+)?/.exec(value);
  const systems: Readonly<Record<string, string>> = { 'Windows NT': 'Windows', 'iPhone OS': 'iOS' };
  const family = browser?.[1] ?? 'Other';
  const os = system?.[1] ?? 'Other';
  return {
    device: { brand: '', family: /Mobile|iPhone|Android/.test(value) ? 'Mobile' : 'Other', model: '' },
    os: {
      family: systems[os] ?? os,
      major: system?.[2] ?? '',
      minor: system?.[3] ?? '',
      patch: '',
      patch_minor: '',
    },
    user_agent: {
      family: names[family] ?? family,
      major: browser?.[2] ?? '',
      minor: browser?.[3] ?? '',
      patch: browser?.[4] ?? '',
    },
    string: value,
  };
}
