// Routes of events (core.md §11.6, core-contract §3.11): outposts report, administrators read and count.

import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import { kindToMakeShape, moment } from '../api/answers.ts';
import { registerModelRoutes, representOne } from '../api/crud.ts';
import { filtersOf } from '../api/filtering.ts';
import { type ApiRequest, bodyOf, queryOf, requirePermission, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { visibility } from '../api/visibility.ts';
import { brandOfHost } from '../brands/current.ts';
import type { CoreDeps } from '../deps.ts';
import { durationMs } from '../models/duration.ts';
import { createRow } from '../models/store.ts';
import { coreItself, inUnit } from '../models/unit.ts';
import { eventActions } from './actions.ts';
import { cleanse } from './cleanse.ts';
import { eventModel, ruleModel, transportModel } from './models.ts';

/** Events of an action in a stretch of time. */
export const volumeShape = z.object({ action: z.string(), time: moment, count: z.int() });

/** What was used most. */
export const topShape = z.object({
  application: z.unknown(),
  counted_events: z.int(),
  unique_users: z.int(),
});

/** Events and users in stretches of time. */
export const statsShape = z.object({ count_step: z.record(z.string(), z.int()), unique_users: z.int() });

const path = '/api/v3/events/events/';
const dayMs = 86_400_000;

export function registerEventRoutes(api: Api, deps: CoreDeps): void {
  const about = (summary: string, answer: z.ZodType) => ({ config: { operation: { summary, answer } } });
  api.get(`${path}actions/`, about('Actions there are', z.array(kindToMakeShape)), (request) => {
    requirePrincipal(request);
    return eventActions.map((action) => ({
      name: titleOf(action),
      description: '',
      component: action,
      model_name: '',
    }));
  });
  api.get(`${path}volume/`, about('Events in six-hour buckets', z.array(volumeShape)), (request) =>
    volume(deps, request),
  );
  api.get(`${path}top_per_user/`, about('Applications by events', z.array(topShape)), (request) =>
    topPerUser(deps, request),
  );
  api.get(`${path}stats/`, about('Counts by spans of time', statsShape), (request) => stats(deps, request));
  api.post(path, { config: { operation: { model: eventModel, verb: 'create' } } }, async (request, reply) =>
    reply.code(201).send(await store(deps, request)),
  );
  registerModelRoutes(api, deps, eventModel, { without: ['create'] });
  registerModelRoutes(api, deps, transportModel);
  registerModelRoutes(api, deps, ruleModel);
}

/** Stores what an outpost reports; it may name the user it speaks of. */
async function store(deps: CoreDeps, request: ApiRequest) {
  const { user } = requirePermission(request, 'authentik_events.add_event');
  const given = bodyOf(request);
  const brand = await brandOfHost(deps, request.headers.host ?? '');
  const input = {
    brand:
      brand === undefined
        ? {}
        : { app: 'authentik_brands', model_name: 'brand', pk: brand.uuid.replaceAll('-', ''), name: brand.domain },
    ...given,
    context: cleanse(given['context'] ?? {}),
    user: given['user'] ?? { pk: user.id, username: user.username, email: user.email },
  };
  const row = await inUnit(deps, coreItself, (unit) => createRow(unit, eventModel, input, 'api'));
  return representOne(deps, eventModel, row, request);
}

/** Conditions of the list's filters, on rows that the caller may see. */
function selected(request: ApiRequest): RawBuilder<unknown> {
  const conditions = [...visibility(requirePrincipal(request), eventModel), ...filtersOf(eventModel, queryOf(request))];
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}

async function volume({ database, clock }: CoreDeps, request: ApiRequest) {
  const days = Math.min(365, Math.max(1, Number(queryOf(request).get('history_days') ?? 7) || 7));
  const { rows } = await sql<{ action: string; time: Date; count: string }>`
    select action, date_bin('6 hours', created, 'epoch'::timestamptz) as time, count(*) as count
    from events where ${selected(request)} and created >= ${new Date(clock.now() - days * dayMs)}
    group by 1, 2 order by 2, 1`.execute(database.kysely);
  return rows.map(({ action, time, count }) => ({ action, time: time.toISOString(), count: Number(count) }));
}

async function topPerUser({ database }: CoreDeps, request: ApiRequest) {
  const query = queryOf(request);
  const action = query.get('action') ?? 'authorize_application';
  const top = Math.min(100, Math.max(1, Number(query.get('top_n') ?? 15) || 15));
  const { rows } = await sql<{ application: unknown; events: string; users: string }>`
    select context->'authorized_application' as application, count(*) as events,
      count(distinct "user"->>'pk') as users
    from events where ${selected(request)} and action = ${action} and context ? 'authorized_application'
    group by 1 order by 2 desc limit ${top}`.execute(database.kysely);
  return rows.map(({ application, events, users }) => ({
    application,
    counted_events: Number(events),
    unique_users: Number(users),
  }));
}

async function stats({ database, clock }: CoreDeps, request: ApiRequest) {
  const steps = queryOf(request).getAll('count_steps').slice(0, 10);
  const count_step: Record<string, number> = {};
  for (const step of steps) {
    const since = new Date(clock.now() - durationMs(step));
    const { rows } = await sql<{ count: string }>`select count(*) as count from events
      where ${selected(request)} and created >= ${since}`.execute(database.kysely);
    count_step[step] = Number(rows[0]?.count ?? 0);
  }
  const { rows } = await sql<{ count: string }>`select count(distinct "user"->>'pk') as count from events
    where ${selected(request)}`.execute(database.kysely);
  return { count_step, unique_users: Number(rows[0]?.count ?? 0) };
}

const titleOf = (action: string) => action.replaceAll('_', ' ').replace(/^./, (letter) => letter.toUpperCase());
