// What a login leaves behind besides its session and its event: when the user was last here, a better reputation, and a brake
// that lets go. One statement, since every login asks for it.
import type { CoreDeps } from '../deps.ts';
import type { UserRecord } from '../identity/users.ts';
import { type Attempt, forgivenBy } from './login-brake.ts';
import { changeReputation, reputationChange } from './reputation.ts';

export async function loginSucceeded(
  deps: CoreDeps,
  { id, username }: Pick<UserRecord, 'id' | 'username'>,
  attempt: Attempt,
): Promise<void> {
  const values = [...reputationChange(deps, username, attempt.ip, 1), id, forgivenBy(attempt)];
  await deps.database.rows(succeeded, values);
}

const succeeded = {
  name: 'login: succeeded',
  text: `with seen as (update users set last_login = $4 where id = $8),
    forgiven as (delete from login_brake where subject = any($9))
    ${changeReputation}`,
  isRelaxed: true,
  isBrief: true,
} as const;
