// `gatehouse recovery <user> [minutes]`: a link that logs somebody in once, for when nobody can log in any more.
import type { Terminal } from '@gatehouse/daemon/commands';
import { coreError } from '../errors.ts';
import { tokenModel } from '../identity/models/token.ts';
import { randomId } from '../identity/random.ts';
import { createRow } from '../models/store.ts';
import { coreItself, inUnit } from '../models/unit.ts';
import { withCore } from './with-core.ts';

const standardMinutes = 60;

export async function recovery(words: readonly string[], terminal: Terminal): Promise<number | 'usage'> {
  const [username, minutes = String(standardMinutes)] = words;
  const life = Number(minutes);
  if (username === undefined || !Number.isFinite(life) || life <= 0) return 'usage';
  return withCore(terminal, async (deps) => {
    const user = await deps.database.kysely
      .selectFrom('users')
      .select(['id', 'is_active'])
      .where('username', '=', username)
      .executeTakeFirst();
    if (user === undefined) throw coreError('ERR_CORE_USER', `There is no user ${username}.`, 'Check the spelling.');
    if (!user.is_active)
      throw coreError('ERR_CORE_USER', `The user ${username} is not active.`, 'Activate the account first.');
    const key = randomId(60);
    await inUnit(deps, { ...coreItself, cause: 'gatehouse recovery' }, (unit) =>
      createRow(
        unit,
        tokenModel,
        {
          identifier: `recovery-${user.id}-${randomId(8)}`,
          intent: 'recovery',
          user: user.id,
          key,
          expires: new Date(deps.clock.now() + life * 60_000),
          description: 'Recovery token made by gatehouse recovery',
        },
        'blueprint',
      ),
    );
    terminal.print(`${deps.webPath}recovery/use-token/${key}/\n`);
    terminal.complain(`Open this path of your installation within ${life} minutes; it logs ${username} in once.\n`);
    return 0;
  });
}
