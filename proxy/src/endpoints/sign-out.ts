// Signing out (proxy.md §6.7): every session of the user in this outpost ends, the cookie goes, the core ends its part. A
// link on another site only gets a question (§17.14).

import type { ModeContext } from '../modes/context.ts';
import { page } from '../pages/page.ts';
import { type Answer, redirect } from '../request/answer.ts';
import { header } from '../request/incoming.ts';
import { prefix } from '../request/reserved.ts';
import { deletingCookie } from '../sessions/cookie.ts';

export async function signOut({ application, request, rooms }: ModeContext): Promise<Answer> {
  const { identity, refreshToken } = await rooms.sessions.find(application, header(request, 'cookie'));
  const cleared = [deletingCookie(application.cookie, application.cookie.name)];
  if (identity === undefined) return redirect(application.externalHost.href, cleared);
  if (header(request, 'sec-fetch-site') === 'cross-site') {
    return page(request, {
      status: 403,
      title: 'Sign out?',
      text: 'Another site asked to sign you out.',
      post: { action: `${prefix}/sign_out`, label: 'Sign out' },
    });
  }
  await rooms.sessions.endBySub(identity.claims.sub);
  rooms.endCredentials(identity.claims.sub);
  await rooms.revokeTokens(application, [identity.claims.rawToken, refreshToken ?? '']);
  const end = new URL(application.endpoints.endSession);
  end.searchParams.set('id_token_hint', identity.claims.rawToken);
  return redirect(end.href, cleared);
}
