// `PFX/userinfo`: a same-origin probe for pages that want to know whether their session still lives (WISHES P12). No token
// is ever part of it (GO-2024-2965).

import { chain, judge, type ModeContext } from '../modes/context.ts';
import { apiRefusal } from '../modes/unauthenticated.ts';
import { type Answer, cookies, noStore } from '../request/answer.ts';

export function userInfo(context: ModeContext): Answer | Promise<Answer> {
  return chain(
    judge(context, { target: context.target, method: context.request.method, otherwise: () => undefined }),
    ({ verdict, authentication: { setCookie } }) => {
      const identity = verdict.verdict === 'allow' ? verdict.identity : undefined;
      if (identity === undefined) return apiRefusal(context.application, context.application.externalHost.href);
      const { sub, email, name, preferredUsername, groups } = identity.claims;
      const body = JSON.stringify({
        sub,
        email,
        name,
        preferred_username: preferredUsername,
        groups,
        expires_at: new Date(identity.expiresAtMs).toISOString(),
      });
      const renewed = cookies(setCookie === undefined ? [] : [setCookie]);
      const headers = [...noStore, 'Content-Type', 'application/json', ...renewed];
      return { kind: 'public', status: 200, headers, body: `${body}\n` };
    },
  );
}
