// Where notifications begin (core.md §20.2): an event queues a task if any rule may concern it.
import type { CoreDeps } from '../../deps.ts';
import type { Connection } from '../../models/unit.ts';
import { enqueue } from '../../tasks/queue.ts';
import { rulesFor } from './rules.ts';

/** Names are part of the API. */
export const notificationTasks = {
  dispatch: 'authentik.events.tasks.event_trigger_dispatch',
  handler: 'authentik.events.tasks.event_trigger_handler',
  transport: 'authentik.events.tasks.notification_transport',
  cleanup: 'authentik.events.tasks.notification_cleanup',
} as const;

/** Failures to notify set off nothing: they would go round for ever. */
export async function queueNotifications(
  deps: CoreDeps,
  db: Connection,
  event: { readonly uuid: string; readonly action: string; readonly context: Readonly<Record<string, unknown>> },
): Promise<void> {
  const failed = String(event.context['actor'] ?? '');
  const own = event.action === 'system_task_exception' && Object.values<string>(notificationTasks).includes(failed);
  if (own || (await rulesFor(deps, event.action)).length === 0) return;
  await enqueue(db, { actor: notificationTasks.dispatch, args: { event: event.uuid }, suffix: event.uuid });
}
