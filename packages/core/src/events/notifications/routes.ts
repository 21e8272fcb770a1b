// `/events/notifications/` and the test of a transport (core.md §11.6, §20.2).
import { z } from 'zod';
import { registerModelRoutes } from '../../api/crud.ts';
import { ApiFailure } from '../../api/failure.ts';
import { type ApiRequest, requirePrincipal } from '../../api/request.ts';
import type { Api } from '../../api/server.ts';
import { rowOf } from '../../api/visibility.ts';
import type { CoreDeps } from '../../deps.ts';
import type { Post } from '../../mail/send.ts';
import { transportModel } from '../models.ts';
import { recordEvent } from '../record.ts';
import { deliver } from './deliver.ts';
import { messageOf } from './message.ts';
import { notificationModel } from './models.ts';

const testAction = 'custom_notification_test';

export function registerNotificationRoutes(api: Api, deps: CoreDeps, post: Post): void {
  api.post(
    `/api/v3${notificationModel.path}mark_all_seen/`,
    { config: { operation: { summary: 'The caller has seen everything', status: 204 } } },
    async (request, reply) => {
      const { user } = requirePrincipal(request);
      await deps.database.kysely
        .updateTable('notifications')
        .set({ seen: true })
        .where('user_id', '=', user.id)
        .execute();
      return reply.code(204).send();
    },
  );
  registerModelRoutes(api, deps, notificationModel);
  api.post(
    `/api/v3${transportModel.path}:key/test/`,
    { config: { operation: { summary: 'Notify the caller', answer: z.object({ messages: z.array(z.string()) }) } } },
    (request) => tryTransport(deps, post, request),
  );
}

async function tryTransport(deps: CoreDeps, post: Post, request: ApiRequest) {
  const { uuid } = await rowOf(deps, transportModel, request, 'change');
  const { user } = requirePrincipal(request);
  const { kysely } = deps.database;
  const transport = await kysely
    .selectFrom('notification_transports')
    .selectAll()
    .where('uuid', '=', String(uuid))
    .executeTakeFirstOrThrow();
  const key = await recordEvent(deps, {
    action: testAction,
    quiet: true,
    app: 'authentik.events',
    user,
    clientIp: request.caller.clientIp,
    context: { message: `Test of the notification transport ${transport.name}` },
  });
  const event = await kysely
    .selectFrom('events')
    .selectAll()
    .where('uuid', '=', key ?? null)
    .executeTakeFirstOrThrow();
  try {
    const messages = await deliver({
      deps,
      post,
      signal: AbortSignal.timeout(30_000),
      transport,
      message: messageOf(event, 'notice'),
      recipient: user,
    });
    return { messages };
  } catch (error) {
    throw new ApiFailure(500, { detail: error instanceof Error ? error.message : String(error) });
  }
}
