// Runs tasks (core.md §20.3): at least once, two at a time in a process, each by one process only, however many share the
// database. A task whose process died is run again when its heartbeat is old.

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { within } from '@gatehouse/daemon/async';
import { type Selectable, sql } from 'kysely';
import type { Tables, TaskLog } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import { cleanse } from '../events/cleanse.ts';
import { recordEvent } from '../events/record.ts';
import type { Actor } from './actor.ts';
import { logLine } from './queue.ts';

const parallel = 2;
const pollEveryMs = 5_000;
const heartbeatEveryMs = 30_000;
/** A process that has been silent for this long is dead. */
export const silenceMs = 120_000;
const timeLimitMs = 600_000;
const maxRetries = 5;
const longestPauseMs = 3_600_000;

type Task = Selectable<Tables['tasks']>;

export interface Worker {
  readonly id: string;
  /** Runs what is due, until nothing is and nothing runs here. */
  drain(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createWorker(deps: CoreDeps, actors: readonly Actor[]): Worker {
  const id = randomUUID();
  const byName = new Map(actors.map((actor) => [actor.name, actor]));
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const timers: NodeJS.Timeout[] = [];
  let again = false;

  const drain = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const task = await claim(deps, id);
      if (task === undefined) return;
      await runTask(deps, byName.get(task.actor_name), task, stopping.signal);
    }
  };
  const wake = (): void => {
    again = running.size >= parallel;
    if (again || stopping.signal.aborted) return;
    const turn = drain()
      .catch((error: unknown) => deps.log.warn('tasks cannot be read', { error: textOf(error) }))
      .then(() => {
        running.delete(turn);
        if (again) wake();
      });
    running.add(turn);
  };
  const beat = () =>
    heartbeat(deps, id).catch((error: unknown) => deps.log.warn('no heartbeat', { error: textOf(error) }));
  return {
    id,
    async drain() {
      // A turn that begins meanwhile may take what another one has queued.
      do await Promise.all([drain(), ...running]);
      while (running.size > 0);
    },
    async start() {
      await heartbeat(deps, id);
      await deps.database.listen('task_queued', wake);
      timers.push(
        setInterval(wake, pollEveryMs),
        setInterval(() => void beat(), heartbeatEveryMs),
      );
      wake();
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      stopping.abort(new Error('The core stops.'));
      await Promise.all(running);
      await deps.database.kysely
        .deleteFrom('workers')
        .where('id', '=', id)
        .execute()
        .catch(() => {}); // its row is swept when it is a day old
    },
  };
}

async function heartbeat({ database, clock, version }: CoreDeps, id: string): Promise<void> {
  const last_seen = new Date(clock.now());
  await database.kysely
    .insertInto('workers')
    .values({ id, hostname: hostname(), version, last_seen })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ last_seen }))
    .execute();
}

/** The next task that is due, now ours; the row lock keeps others off. */
async function claim({ database, clock }: CoreDeps, worker: string): Promise<Task | undefined> {
  const now = new Date(clock.now());
  const alive = new Date(clock.now() - silenceMs);
  const { rows } =
    await sql<Task>`update tasks set state = 'running', aggregated_status = 'running', worker = ${worker},
      mtime = ${now}
    where message_id = (select message_id from tasks
      where (state = 'queued' and (eta is null or eta <= ${now}))
        or (state = 'running' and not exists (select 1 from workers w where w.id = tasks.worker and w.last_seen > ${alive}))
      order by eta nulls first, created limit 1 for update skip locked)
    returning *`.execute(database.kysely);
  return rows[0];
}

async function runTask(deps: CoreDeps, actor: Actor | undefined, task: Task, stopping: AbortSignal): Promise<void> {
  const logs: TaskLog[] = [...task.logs, logLine(task.actor_name, 'info', 'Task is being processed')];
  const signal = within(timeLimitMs, stopping);
  try {
    if (actor === undefined) throw new Error(`There is no actor ${task.actor_name} in this version.`);
    const work = actor.run({
      deps,
      args: task.args,
      signal,
      log: (level, event, attributes = {}) => {
        const clean = cleanse(attributes);
        const kept = typeof clean === 'object' && clean !== null ? { ...clean } : {};
        logs.push(logLine(task.actor_name, level, event, kept));
      },
    });
    await Promise.race([work, ended(signal)]);
    logs.push(logLine(task.actor_name, 'info', 'Task finished successfully'));
    await finish(deps, task, { state: 'done', aggregated_status: worstOf(logs) }, logs);
    deps.metrics.tasks.add({ actor_name: task.actor_name, result: 'done' });
  } catch (error) {
    if (stopping.aborted) await release(deps, task);
    else await fail(deps, task, error, logs);
  }
}

function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Another process, or this one after its start, runs it from the beginning. */
async function release({ database }: CoreDeps, { message_id }: Task): Promise<void> {
  await database.kysely
    .updateTable('tasks')
    .set({ state: 'queued', aggregated_status: 'queued', worker: null })
    .where('message_id', '=', message_id)
    .execute();
}

async function fail(deps: CoreDeps, task: Task, error: unknown, logs: TaskLog[]): Promise<void> {
  const text = textOf(error);
  deps.metrics.tasks.add({ actor_name: task.actor_name, result: 'failed' });
  deps.log.warn('task failed', { op: task.actor_name, error: text, attempts: task.retries + 1 });
  await recordEvent(deps, {
    action: 'system_task_exception',
    app: 'authentik.tasks',
    context: { message: `Task ${task.actor_name} failed: ${text}`, actor: task.actor_name, exception: text },
  });
  logs.push(logLine(task.actor_name, 'error', text));
  if (task.retries >= maxRetries) return finish(deps, task, { state: 'rejected', aggregated_status: 'rejected' }, logs);
  const pauseMs = Math.min(longestPauseMs, 15_000 * 4 ** task.retries);
  await deps.database.kysely
    .updateTable('tasks')
    .set({
      state: 'queued',
      aggregated_status: 'queued',
      retries: task.retries + 1,
      eta: new Date(deps.clock.now() + pauseMs),
      mtime: new Date(deps.clock.now()),
      worker: null,
      logs: JSON.stringify([logLine(task.actor_name, 'info', 'Task has been queued')]),
      previous_logs: JSON.stringify([...task.previous_logs, ...logs]),
    })
    .where('message_id', '=', task.message_id)
    .execute();
}

async function finish(
  { database, clock }: CoreDeps,
  { message_id }: Task,
  outcome: { readonly state: string; readonly aggregated_status: string },
  logs: readonly TaskLog[],
): Promise<void> {
  await database.kysely
    .updateTable('tasks')
    .set({ ...outcome, logs: JSON.stringify(logs), mtime: new Date(clock.now()), worker: null })
    .where('message_id', '=', message_id)
    .execute();
}

function worstOf(logs: readonly TaskLog[]): string {
  return ['error', 'warning'].find((level) => logs.some(({ log_level }) => log_level === level)) ?? 'info';
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
