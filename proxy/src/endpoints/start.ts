// `PFX/start` (proxy.md §6.2): begins a login, or goes on at once where there already is a session.

import type { ModeContext } from '../modes/context.ts';
import { redirectParameter, redirectTarget } from '../oidc/redirect-target.ts';
import type { Answer } from '../request/answer.ts';

/** Parameters of an authorization request that a link to the login may set. */
const passedOn = ['prompt', 'login_hint', 'ui_locales', 'max_age'] as const;

export function start({ application, request, rooms, target }: ModeContext): Answer | Promise<Answer> {
  const given = redirectParameter(target.rawQuery);
  const query = new URLSearchParams(target.rawQuery ?? '');
  const parameters = Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = given.includes(`${name}=`) ? null : query.get(name);
      return value === null ? [] : [[name, value.slice(0, 200)]];
    }),
  );
  const isRefused = given !== '' && redirectTarget(given, application.redirectRules) === undefined;
  return rooms.logins.start(application, request, { target: isRefused ? '' : given, parameters });
}
