// `/recovery/use-token/<key>/` (core.md §1.5): a link that lets its user in once.

import { identifyCaller } from '../api/authentication.ts';
import type { ApiReply, ApiRequest } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { saveSession } from '../api/session-cookies.ts';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import { findUser, type UserRecord } from '../identity/users.ts';
import { messagePage } from '../pages/message.ts';

export function registerRecoveryRoutes(server: Api, deps: CoreDeps): void {
  server.get('/recovery/use-token/:key/', (request, reply) => useToken(deps, request, reply));
}

async function useToken(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  const { params } = request;
  const key: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'key') : '';
  reply.header('Cache-Control', 'no-store').header('Referrer-Policy', 'no-referrer');
  request.caller = await identifyCaller(deps, request, request.id);
  const user = await redeem(deps, String(key));
  if (user === undefined)
    return messagePage(deps, reply, {
      status: 404,
      title: 'Not found',
      text: 'This link was used before, or has run out.',
    });
  const session = await deps.sessions.rotate(request.caller.session ?? deps.sessions.create());
  session.userPk = user.id;
  session.durationMs = undefined;
  Object.assign(session.data, { auth_method: 'recovery', auth_time: deps.clock.now() });
  await saveSession(deps, request, reply, session, { loggedIn: true });
  await recordEvent(deps, {
    action: 'login',
    app: 'authentik.recovery',
    user,
    clientIp: request.caller.clientIp,
    context: { auth_method: 'recovery', auth_method_args: {} },
  });
  return reply.redirect(`${deps.webPath}if/user/`, 302);
}

/** The token is gone with this call. */
async function redeem(deps: CoreDeps, key: string): Promise<UserRecord | undefined> {
  const row = await deps.database.kysely
    .deleteFrom('tokens')
    .where('key', '=', key)
    .where('intent', '=', 'recovery')
    .returning(['user_id', 'expiring', 'expires'])
    .executeTakeFirst();
  const isOver = row?.expiring === true && (row.expires === null || row.expires.getTime() <= deps.clock.now());
  if (row === undefined || isOver) return undefined;
  const user = await findUser(deps, row.user_id);
  return user?.is_active === true ? user : undefined;
}
