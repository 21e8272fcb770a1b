// Puts tasks into the queue (core.md §20.3), in the transaction of the change that causes them: rolled back, they are gone.
import type { Reading } from '@gatehouse/daemon/metrics';
import { sql } from 'kysely';
import type { TaskLog } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import type { Connection } from '../models/unit.ts';

export interface RelatedObject {
  readonly app: string;
  readonly model: string;
  readonly id: string;
}

export interface NewTask {
  readonly actor: string;
  readonly args?: Readonly<Record<string, unknown>>;
  /** Tells tasks of one actor apart. */
  readonly suffix?: string;
  readonly about?: RelatedObject;
  readonly eta?: Date;
}

/** @returns the id of the task; workers hear of it when the transaction commits */
export async function enqueue(db: Connection, { actor, args = {}, suffix, about, eta }: NewTask): Promise<string> {
  const { message_id } = await db
    .insertInto('tasks')
    .values({
      actor_name: actor,
      args: JSON.stringify(args),
      uid: suffix === undefined ? actor : `${actor}:${suffix}`,
      logs: JSON.stringify([logLine(actor, 'info', 'Task has been queued')]),
      ...(eta === undefined ? {} : { eta }),
      rel_obj_app_label: about?.app ?? null,
      rel_obj_model: about?.model ?? null,
      rel_obj_id: about?.id ?? null,
    })
    .returning('message_id')
    .executeTakeFirstOrThrow();
  await sql`select pg_notify('task_queued', ${actor})`.execute(db);
  return message_id;
}

/** Tasks that are waiting or running, in all processes, by `state`. */
export async function unfinishedTasks({ database }: Pick<CoreDeps, 'database'>): Promise<readonly Reading[]> {
  const rows = await database.kysely
    .selectFrom('tasks')
    .select(({ fn }) => ['state', fn.countAll<string>().as('count')])
    .where('state', 'in', ['queued', 'running'])
    .groupBy('state')
    .execute();
  return ['queued', 'running'].map((state) => ({
    labels: { state },
    value: Number(rows.find((row) => row.state === state)?.count ?? 0),
  }));
}

export function logLine(
  logger: string,
  log_level: TaskLog['log_level'],
  event: string,
  attributes: Readonly<Record<string, unknown>> = {},
): TaskLog {
  return { timestamp: new Date().toISOString(), log_level, logger, event, attributes };
}
