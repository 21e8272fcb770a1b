// Writes events (core.md §20.1). Never in the way of what it describes: what cannot be stored is logged.
import type { CoreDeps } from '../deps.ts';
import type { FlowRequest } from '../flows/request.ts';
import type { UserRecord } from '../identity/users.ts';
import { cleanse } from './cleanse.ts';

export interface EventToRecord {
  readonly action: string;
  /** Dotted module; event matchers compare it. */
  readonly app: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly user?: Pick<UserRecord, 'id' | 'username' | 'email'> | undefined;
  readonly request?: FlowRequest;
  readonly clientIp?: string | undefined;
}

export async function recordEvent(deps: CoreDeps, event: EventToRecord): Promise<void> {
  const { action, app, request } = event;
  const user = event.user ?? request?.user;
  try {
    await deps.database.kysely
      .insertInto('events')
      .values({
        action,
        app,
        context: JSON.stringify(cleanse(event.context)),
        client_ip: event.clientIp ?? request?.clientIp ?? null,
        user: JSON.stringify(
          user === undefined
            ? { pk: null, username: 'AnonymousUser', email: '', is_anonymous: true }
            : { pk: user.id, username: user.username, email: user.email },
        ),
        created: new Date(deps.clock.now()),
      })
      .execute();
  } catch (error) {
    deps.log.error('event lost', { action, error: error instanceof Error ? error.message : String(error) });
  }
}
