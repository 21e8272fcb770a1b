// Reputation policy (core.md §14.4): passes for a bad one, so that a binding can ask such visitors for more.
import { answer, type Evaluate } from '../kind.ts';
import { scoreOf } from '../reputation.ts';

export const checkReputation: Evaluate = async (settings, { deps, user, request, context }) => {
  const typed = context['pending_user_identifier'];
  const name = user?.username ?? (typeof typed === 'string' ? typed : undefined);
  const score = await scoreOf(deps, {
    identifier: settings['check_username'] === false ? undefined : name,
    ip: settings['check_ip'] === false ? undefined : request?.clientIp,
  });
  return answer(score <= Number(settings['threshold'] ?? -5));
};
