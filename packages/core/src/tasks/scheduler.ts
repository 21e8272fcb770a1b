// Schedules (core.md §20.3): which actors run by the clock, and putting them into the queue when their time has come. Rows
// are locked while they are looked at, so that of several processes one sends.
import { hostname } from 'node:os';
import type { Selectable } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import type { Connection } from '../models/unit.ts';
import type { Actor } from './actor.ts';
import { nextRun, settleCrontab } from './crontab.ts';
import { enqueue } from './queue.ts';

type Schedule = Selectable<Tables['schedules']>;
const unfinished = ['queued', 'consumed', 'preprocess', 'running', 'postprocess'];

/** Brings the table in line with the actors of this version; crontabs that somebody edited stay. */
export async function reconcileSchedules({ database, clock }: CoreDeps, actors: readonly Actor[]): Promise<void> {
  const { kysely } = database;
  const wanted = actors.flatMap(({ name, schedule }) => (schedule === undefined ? [] : [{ name, ...schedule }]));
  const names = wanted.map(({ name }) => name);
  await kysely
    .deleteFrom('schedules')
    .where('uid', 'not in', ['', ...names])
    .execute();
  const rows = wanted.map(({ name, crontab, paused = false }) => {
    const settled = settleCrontab(crontab, `${hostname()} ${name}`);
    const next_run = nextRun(settled, clock.now()) ?? new Date(clock.now());
    return { uid: name, actor_name: name, crontab: settled, paused, next_run };
  });
  if (rows.length > 0)
    await kysely
      .insertInto('schedules')
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .column('uid')
          .doUpdateSet(({ ref }) => ({ crontab: ref('excluded.crontab'), next_run: ref('excluded.next_run') }))
          .where('schedules.edited', '=', false)
          .whereRef('schedules.crontab', '!=', 'excluded.crontab'),
      )
      .execute();
  for (const { name, onStartup = false } of wanted) if (onStartup) await sendUnlessUnderWay(kysely, name);
}

/** Queues what is due. @returns how many */
export async function sendDue({ database, clock }: CoreDeps): Promise<number> {
  const now = new Date(clock.now());
  return database.kysely.transaction().execute(async (db) => {
    const due = await db
      .selectFrom('schedules')
      .selectAll()
      .where('paused', '=', false)
      .where('next_run', '<=', now)
      .forUpdate()
      .skipLocked()
      .execute();
    let sent = 0;
    for (const schedule of due) {
      if (await isUnfinished(db, schedule)) continue;
      await send(db, schedule);
      sent += 1;
      await db
        .updateTable('schedules')
        .set({ next_run: nextRun(schedule.crontab, clock.now()) ?? now })
        .where('id', '=', schedule.id)
        .execute();
    }
    return sent;
  });
}

/** Queues it now, whatever the clock says. */
export async function send(db: Connection, schedule: Schedule): Promise<void> {
  const last_task = await enqueue(db, { actor: schedule.actor_name });
  await db.updateTable('schedules').set({ last_task }).where('id', '=', schedule.id).execute();
}

async function sendUnlessUnderWay(db: Connection, uid: string): Promise<void> {
  const schedule = await db.selectFrom('schedules').selectAll().where('uid', '=', uid).executeTakeFirstOrThrow();
  if (!schedule.paused && !(await isUnfinished(db, schedule))) await send(db, schedule);
}

async function isUnfinished(db: Connection, { last_task }: Schedule): Promise<boolean> {
  if (last_task === null) return false;
  const task = await db.selectFrom('tasks').select('state').where('message_id', '=', last_task).executeTakeFirst();
  return task !== undefined && unfinished.includes(task.state);
}
