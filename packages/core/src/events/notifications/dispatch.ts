// From an event to whoever is to hear of it (core.md §20.2): a task asks the rules, one for each rule finds the recipients,
// one for each transport and recipient delivers. Each is run again if it fails.
import { z } from 'zod';
import type { CoreDeps } from '../../deps.ts';
import type { UserRecord } from '../../identity/users.ts';
import type { Post } from '../../mail/send.ts';
import { evaluate } from '../../policies/engine.ts';
import type { Actor, TaskRun } from '../../tasks/actor.ts';
import { enqueue } from '../../tasks/queue.ts';
import { deliver } from './deliver.ts';
import { messageOf, type StoredEvent } from './message.ts';
import { notificationTasks } from './queue.ts';
import { rulesFor } from './rules.ts';

export function notificationActors(post: Post): readonly Actor[] {
  return [
    { name: notificationTasks.dispatch, description: 'Find the notification rules of an event.', run: dispatch },
    { name: notificationTasks.handler, description: 'Find whom a notification rule tells.', run: handle },
    { name: notificationTasks.transport, description: 'Deliver a notification.', run: (task) => transport(post, task) },
    {
      name: notificationTasks.cleanup,
      description: 'Remove seen notifications and notifications whose events are gone.',
      schedule: { crontab: '~ */8 * * *' },
      run: cleanUp,
    },
  ];
}

const dispatchArgs = z.object({ event: z.string() });

async function dispatch({ deps, args, log }: TaskRun): Promise<void> {
  const { event: key } = dispatchArgs.parse(args);
  const event = await loadEvent(deps, key);
  if (event === undefined) return log('info', 'The event is gone');
  const found = await rulesFor(deps, event.action);
  for (const rule of found)
    await enqueue(deps.database.kysely, {
      actor: notificationTasks.handler,
      args: { event: key, rule },
      suffix: `${key}:${rule}`,
    });
  log('info', `May concern ${found.length} rules`);
}

const handlerArgs = z.object({ event: z.string(), rule: z.string() });

async function handle({ deps, args, log }: TaskRun): Promise<void> {
  const { event: key, rule: pbm } = handlerArgs.parse(args);
  const { kysely } = deps.database;
  const event = await loadEvent(deps, key);
  const rule = await kysely.selectFrom('notification_rules').selectAll().where('pbm_uuid', '=', pbm).executeTakeFirst();
  if (event === undefined || rule === undefined) return log('info', 'The event or the rule is gone');
  if (await isOfRule(deps, event)) return log('info', 'The event is about a policy of a rule');
  const user = await userOf(deps, event);
  const context = { event: { ...event, pk: event.uuid, created: event.created.toISOString(), expires: null } };
  const { passing } = await evaluate(deps, { pbm, mode: 'any' }, { user, context, emptyResult: false });
  if (!passing) return log('info', 'The rule does not match');
  const recipients = await recipientsOf(deps, rule, user);
  const transports = await kysely
    .selectFrom('notification_rule_transports')
    .innerJoin('notification_transports', 'uuid', 'transport')
    .select(['uuid', 'settings'])
    .where('rule', '=', pbm)
    .orderBy('name')
    .execute();
  await kysely.transaction().execute(async (db) => {
    for (const { uuid, settings } of transports)
      for (const recipient of settings['send_once'] === true ? recipients.slice(0, 1) : recipients)
        await enqueue(db, {
          actor: notificationTasks.transport,
          args: { event: key, rule: pbm, transport: uuid, user: recipient.id },
          suffix: `${key}:${uuid}:${recipient.id}`,
        });
  });
  log('info', `Tells ${recipients.length} users by ${transports.length} transports`);
}

const transportArgs = z.object({ event: z.string(), rule: z.string(), transport: z.string(), user: z.number() });

async function transport(post: Post, { deps, args, log, signal }: TaskRun): Promise<void> {
  const { event: key, rule, transport: uuid, user } = transportArgs.parse(args);
  const { kysely } = deps.database;
  const [event, stored, found, recipient] = await Promise.all([
    loadEvent(deps, key),
    kysely.selectFrom('notification_rules').select('settings').where('pbm_uuid', '=', rule).executeTakeFirst(),
    kysely.selectFrom('notification_transports').selectAll().where('uuid', '=', uuid).executeTakeFirst(),
    kysely.selectFrom('users').selectAll().where('id', '=', user).executeTakeFirst(),
  ]);
  if (event === undefined || stored === undefined || found === undefined || recipient === undefined)
    return log('info', 'What was to be told, how or whom is gone');
  const message = messageOf(event, String(stored.settings['severity'] ?? 'notice'));
  for (const line of await deliver({ deps, post, signal, transport: found, message, recipient })) log('info', line);
}

async function cleanUp({ deps, log }: TaskRun): Promise<void> {
  const { numDeletedRows } = await deps.database.kysely
    .deleteFrom('notifications')
    .where((where) => where.or([where('seen', '=', true), where('event', 'is', null)]))
    .executeTakeFirstOrThrow();
  log('info', `Removed ${numDeletedRows} notifications`);
}

async function loadEvent({ database }: CoreDeps, uuid: string): Promise<StoredEvent | undefined> {
  return database.kysely.selectFrom('events').selectAll().where('uuid', '=', uuid).executeTakeFirst();
}

/** A matcher that fails writes an event; told by a rule, that would fail it again. */
async function isOfRule({ database }: CoreDeps, { context }: StoredEvent): Promise<boolean> {
  const policy = context['policy_uuid'];
  if (typeof policy !== 'string') return false;
  const found = await database.kysely
    .selectFrom('policy_bindings')
    .innerJoin('notification_rules', 'pbm_uuid', 'target')
    .select('policy_bindings.uuid')
    .where(({ eb, cast, ref }) => eb(cast<string>(ref('policy'), 'text'), '=', policy))
    .executeTakeFirst();
  return found !== undefined;
}

async function userOf({ database }: CoreDeps, { user }: StoredEvent): Promise<UserRecord | undefined> {
  const pk = Number(user['pk']);
  if (!Number.isInteger(pk) || pk === 0) return undefined;
  return database.kysely.selectFrom('users').selectAll().where('id', '=', pk).executeTakeFirst();
}

/** Each once, whoever is not active left out. */
async function recipientsOf(
  { database }: CoreDeps,
  rule: { readonly destination_group: string | null; readonly settings: Readonly<Record<string, unknown>> },
  user: UserRecord | undefined,
): Promise<readonly UserRecord[]> {
  const members =
    rule.destination_group === null
      ? []
      : await database.kysely
          .selectFrom('users')
          .innerJoin('memberships', 'memberships.user_id', 'users.id')
          .selectAll('users')
          .where('group_uuid', '=', rule.destination_group)
          .orderBy('users.id')
          .execute();
  const own = rule.settings['destination_event_user'] === true && user !== undefined ? [user] : [];
  const all = new Map([...own, ...members].map((one) => [one.id, one]));
  return [...all.values()].filter(({ is_active }) => is_active);
}
