// Tasks and schedules as the API lists them (core.md §9.7).
import { sql } from 'kysely';
import { z } from 'zod';
import { column, flag, integer, line, text } from '../models/field.ts';
import { exactly, isNull } from '../models/filters.ts';
import { invalidField } from '../models/invalid.ts';
import { defineModel } from '../models/model.ts';
import { isCrontab, nextRun } from './crontab.ts';

const told = { readOnly: true } as const;
const nullable = text.nullable();
const lines = z.array(z.record(z.string(), z.unknown()));

export const taskModel = defineModel({
  id: 'authentik_tasks.task',
  noun: 'Task',
  nouns: 'Tasks',
  table: 'tasks',
  key: 'message_id',
  keyType: 'uuid',
  path: '/tasks/tasks/',
  verbs: ['list', 'retrieve'],
  internal: true,
  permissions: ['retry_task'],
  fields: {
    message_id: column('message_id', text, told),
    queue_name: column('queue_name', text, told),
    actor_name: column('actor_name', text, told),
    state: column('state', text, told),
    mtime: column('mtime', z.date(), told),
    retries: column('retries', integer, told),
    eta: column('eta', z.date().nullable(), told),
    rel_obj_app_label: column('rel_obj_app_label', nullable, told),
    rel_obj_model: column('rel_obj_model', nullable, told),
    rel_obj_id: column('rel_obj_id', nullable, told),
    uid: column('uid', text, told),
    logs: column('logs', lines, told),
    previous_logs: column('previous_logs', lines, told),
    aggregated_status: column('aggregated_status', text, told),
  },
  search: ['queue_name', 'actor_name', 'state', 'uid', 'aggregated_status'],
  order: ['-mtime'],
  filters: {
    queue_name: exactly('queue_name'),
    actor_name: exactly('actor_name'),
    state: exactly('state'),
    aggregated_status: exactly('aggregated_status'),
    uid: exactly('uid'),
    rel_obj_id: exactly('rel_obj_id'),
    rel_obj_id__isnull: isNull('rel_obj_id'),
    rel_obj_content_type__app_label: exactly('rel_obj_app_label'),
    rel_obj_content_type__model: exactly('rel_obj_model'),
  },
  derived: { description: z.string().nullable() },
  async derive({ actors }, rows) {
    return rows.map((row) => ({
      description: actors.find(({ name }) => name === row['actor_name'])?.description ?? null,
    }));
  },
});

export const scheduleModel = defineModel({
  id: 'authentik_tasks_schedules.schedule',
  noun: 'Schedule',
  nouns: 'Schedules',
  table: 'schedules',
  key: 'id',
  keyType: 'uuid',
  path: '/tasks/schedules/',
  verbs: ['list', 'retrieve', 'update'],
  internal: true,
  permissions: ['send_schedule'],
  fields: {
    id: column('id', text, told),
    identifier: column('identifier', nullable, told),
    uid: column('uid', text, told),
    actor_name: column('actor_name', text, told),
    rel_obj_app_label: column('rel_obj_app_label', nullable, told),
    rel_obj_model: column('rel_obj_model', nullable, told),
    rel_obj_id: column('rel_obj_id', nullable, { initial: null }),
    crontab: column('crontab', line),
    paused: column('paused', flag, { initial: false }),
    next_run: column('next_run', z.date(), told),
    edited: column('edited', flag, { readOnly: true, hidden: true }),
  },
  search: ['actor_name', 'uid'],
  order: ['next_run', 'actor_name'],
  filters: {
    actor_name: exactly('actor_name'),
    paused: ([value = '']) => sql<boolean>`paused::text = ${value}`,
    rel_obj_id: exactly('rel_obj_id'),
    rel_obj_id__isnull: isNull('rel_obj_id'),
    rel_obj_content_type__app_label: exactly('rel_obj_app_label'),
    rel_obj_content_type__model: exactly('rel_obj_model'),
  },
  async prepare({ deps: { clock } }, values, existing) {
    const crontab = String(values['crontab'] ?? existing?.['crontab']);
    if (!isCrontab(crontab)) throw invalidField('crontab', `${crontab} is not a crontab.`);
    const changed = crontab !== existing?.['crontab'];
    // What is let go on runs at once.
    const resumed = values['paused'] === false && existing?.['paused'] === true;
    const next = resumed ? new Date(clock.now()) : changed ? nextRun(crontab, clock.now()) : undefined;
    return {
      ...values,
      ...(changed ? { edited: true } : {}),
      ...(next === undefined ? {} : { next_run: next }),
    };
  },
  derived: { description: z.string().nullable(), last_task_status: z.string().nullable() },
  async derive({ actors, database }, rows) {
    const ids = rows.map((row) => row['last_task']).filter((id) => typeof id === 'string');
    const tasks =
      ids.length === 0
        ? []
        : await database.kysely
            .selectFrom('tasks')
            .select(['message_id', 'aggregated_status'])
            .where('message_id', 'in', ids)
            .execute();
    return rows.map((row) => ({
      description: actors.find(({ name }) => name === row['actor_name'])?.description ?? null,
      last_task_status: tasks.find(({ message_id }) => message_id === row['last_task'])?.aggregated_status ?? null,
    }));
  },
});
