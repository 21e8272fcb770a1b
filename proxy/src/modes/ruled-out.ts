// What a rule of the rule file means for who is logged in but not let in (proxy.md §17.12): a 403 with the rule's name, never
// a 401, which would send a browser round in circles; or a login anew where only its age is wrong.
import type { Refuse } from '../authentication/verdict.ts';
import { page } from '../pages/page.ts';
import type { Refused } from '../request/answer.ts';
import type { ModeContext } from './context.ts';

/** @returns `undefined` where logging in may help */
export function ruledOut({ application, request }: ModeContext, { reason, ruling }: Refuse): Refused | undefined {
  if (reason !== 'rule') return undefined;
  return page(request, {
    status: 403,
    title: 'Forbidden',
    text: `You may not use this part of ${application.title || application.name}.`,
    hint: `Rule: ${ruling?.rule ?? 'none'}`,
  });
}

/** Seconds that the next login may be old, for the core. */
export function maxAgeOf({ reason, ruling }: Refuse): number | undefined {
  if (reason !== 'login_too_old' || ruling?.kind !== 'require' || ruling.requirement.maxAgeMs === undefined)
    return undefined;
  return Math.floor(ruling.requirement.maxAgeMs / 1000);
}
