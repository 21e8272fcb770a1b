// An event for each change of an object that administrators manage (core.md §20.1, "Audit of model changes"): who, what, the
// values before and after (secrets masked), and what caused it where nobody asked.
import type { CoreDeps } from '../deps.ts';
import { titleOf } from '../models/model.ts';
import type { Author, Change } from '../models/unit.ts';
import { type EventToRecord, recordEvents } from './record.ts';

export async function auditChanges(deps: CoreDeps, changes: readonly Change[], author: Author): Promise<void> {
  if (author.userPk === undefined && author.cause === undefined) return;
  const events = changes.filter(({ model }) => isAudited(deps, model)).map((change) => eventOf(change, author));
  await recordEvents(deps, events);
}

function isAudited({ registry }: CoreDeps, id: string): boolean {
  return id !== 'authentik_events.event' && registry.get(id)?.internal !== true;
}

function eventOf({ model, action, row, key, difference }: Change, author: Author): EventToRecord {
  const [app = '', name = ''] = model.split('.');
  const changed = Object.keys(difference).length > 0;
  return {
    action: `model_${action}`,
    app: app.replace('_', '.'),
    user: { id: author.userPk ?? null, username: author.username, email: author.email ?? '' },
    clientIp: author.clientIp,
    from: author.request,
    context: {
      model: { app, model_name: name, pk: plainKey(key), name: titleOf(row) },
      ...(changed ? { diff: difference } : {}),
      ...(author.cause === undefined ? {} : { cause: author.cause }),
    },
  };
}

/** Hex without dashes, as events of the system we are compatible with have it. */
const plainKey = (key: string | number) => (typeof key === 'string' ? key.replaceAll('-', '') : key);
