// `/recovery/use-token/<key>/` (core.md §1.5): logs in once with a recovery token, else 404.
import { identifyCaller } from '../api/authentication.ts';
import { type ApiReply, type ApiRequest, authorOf, keyParameter } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { saveSession } from '../api/session-cookies.ts';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import { findUser } from './users.ts';

export function registerRecoveryRoute(server: Api, deps: CoreDeps): void {
  server.get('/recovery/use-token/:key/', (request, reply) => useToken(deps, request, reply));
}

async function useToken(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  request.caller = await identifyCaller(deps, request, request.id);
  // Taken out first: of two requests at once, one finds it.
  const token = await deps.database.kysely
    .deleteFrom('tokens')
    .where('key', '=', keyParameter(request))
    .where('intent', '=', 'recovery')
    .returning(['user_id', 'expires', 'expiring'])
    .executeTakeFirst();
  const inTime = token !== undefined && (!token.expiring || (token.expires?.getTime() ?? 0) > deps.clock.now());
  const user = inTime ? await findUser(deps, token.user_id) : undefined;
  if (user === undefined || !user.is_active) return reply.code(404).send({ detail: 'Not found.' });
  const session = await deps.sessions.rotate(request.caller.session ?? deps.sessions.create());
  session.userPk = user.id;
  Object.assign(session.data, { auth_method: 'token', auth_time: deps.clock.now() });
  await saveSession(deps, request, reply, session, true);
  const { clientIp, request: from } = authorOf(request);
  await recordEvent(deps, {
    action: 'login',
    app: 'authentik.recovery',
    user,
    clientIp,
    from,
    context: { auth_method: 'token', auth_method_args: { intent: 'recovery' } },
  });
  return reply.redirect(`${deps.webPath}if/user/`, 302);
}
