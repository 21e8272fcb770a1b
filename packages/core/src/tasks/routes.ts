// Routes of tasks, schedules and workers (core.md §11.6).

import { z } from 'zod';
import { registerModelRoutes } from '../api/crud.ts';
import { noPermission } from '../api/failure.ts';
import { type ApiReply, type ApiRequest, authorOf, requirePermission, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { rowOf } from '../api/visibility.ts';
import type { CoreDeps } from '../deps.ts';
import { mayEverywhere } from '../identity/permissions.ts';
import { invalidField } from '../models/invalid.ts';
import { inUnit } from '../models/unit.ts';
import { scheduleModel, taskModel } from './models.ts';
import { logLine } from './queue.ts';
import { send } from './scheduler.ts';
import { silenceMs } from './worker.ts';

/** A process that runs tasks. */
export const workerShape = z.object({
  worker_id: z.string(),
  version: z.string(),
  version_matching: z.boolean(),
});

const prefix = '/api/v3/tasks';
const states = ['queued', 'consumed', 'preprocess', 'running', 'postprocess', 'rejected', 'done'];
const statuses = [...states, 'info', 'warning', 'error'];

export function registerTaskRoutes(api: Api, deps: CoreDeps): void {
  const about = (summary: string) => ({ config: { operation: { summary, status: 204 as const } } });
  api.get(
    `${prefix}/tasks/status/`,
    { config: { operation: { summary: 'Tasks by status', answer: z.record(z.string(), z.number()) } } },
    (request) => countByStatus(deps, request),
  );
  api.post(`${prefix}/tasks/:key/retry/`, about('Run a rejected task again'), (request, reply) =>
    retry(deps, request, reply),
  );
  api.post(`${prefix}/schedules/:key/send/`, about('Run a schedule now'), async (request, reply) => {
    const row = await rowOf(deps, scheduleModel, request, 'view');
    if (!mayEverywhere(requirePrincipal(request), 'authentik_tasks_schedules.send_schedule')) throw noPermission();
    await inUnit(deps, authorOf(request), async ({ db }) => {
      const rows = db.selectFrom('schedules').selectAll().where('id', '=', String(row['id']));
      await send(db, await rows.executeTakeFirstOrThrow());
    });
    return reply.code(204).send();
  });
  api.get(
    `${prefix}/workers/`,
    { config: { operation: { summary: 'Processes that run tasks', answer: z.array(workerShape) } } },
    (request) => listWorkers(deps, request),
  );
  registerModelRoutes(api, deps, taskModel);
  registerModelRoutes(api, deps, scheduleModel);
}

async function countByStatus({ database }: CoreDeps, request: ApiRequest) {
  requirePermission(request, 'authentik_tasks.view_task');
  const rows = await database.kysely
    .selectFrom('tasks')
    .select(({ fn }) => ['aggregated_status', fn.countAll<string>().as('count')])
    .groupBy('aggregated_status')
    .execute();
  const countOf = (status: string) => Number(rows.find((row) => row.aggregated_status === status)?.count ?? 0);
  return Object.fromEntries(statuses.map((status) => [status, countOf(status)]));
}

async function retry(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  const row = await rowOf(deps, taskModel, request, 'view');
  if (!mayEverywhere(requirePrincipal(request), 'authentik_tasks.retry_task')) throw noPermission();
  if (row['state'] !== 'rejected') throw invalidField('non_field_errors', 'Only rejected tasks can be retried.');
  await deps.database.kysely
    .updateTable('tasks')
    .set({
      state: 'queued',
      aggregated_status: 'queued',
      retries: 0,
      eta: null,
      logs: JSON.stringify([logLine(String(row['actor_name']), 'info', 'Task has been queued')]),
      previous_logs: JSON.stringify([...listOf(row['previous_logs']), ...listOf(row['logs'])]),
    })
    .where('message_id', '=', String(row['message_id']))
    .execute();
  await deps.database.notify('task_queued', '');
  return reply.code(204).send();
}

async function listWorkers({ database, clock, version }: CoreDeps, request: ApiRequest) {
  requirePermission(request, 'authentik_rbac.view_system_info');
  const rows = await database.kysely
    .selectFrom('workers')
    .selectAll()
    .where('last_seen', '>', new Date(clock.now() - silenceMs))
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    worker_id: `${row.id}@${row.hostname}`,
    version: row.version,
    version_matching: row.version === version,
  }));
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
