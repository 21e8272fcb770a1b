// Password expiry (core.md §14.4): an old password fails, and unless the policy only denies, opens nothing any more.
import { answer, type Evaluate } from '../kind.ts';

const dayMs = 86_400_000;

export const checkExpiry: Evaluate = async (settings, { user, deps }) => {
  if (user === undefined) return answer(false);
  const days = Math.floor((deps.clock.now() - user.password_change_date.getTime()) / dayMs);
  const allowed = Number(settings['days']);
  if (days < allowed) return answer(true);
  if (settings['deny_only'] === true) return answer(false, 'Password has expired.');
  await deps.database.kysely.updateTable('users').set({ password: '!' }).where('id', '=', user.id).execute();
  return answer(false, `Password expired ${days - allowed} days ago. Please update your password.`);
};
