// The core's own cleaning and checking (core.md §20.3): expired rows, old tasks, generated users, accounts of outposts.
import { sql } from 'kysely';
import { recordEvent } from '../events/record.ts';
import { userModel } from '../identity/models/user.ts';
import { randomId } from '../identity/random.ts';
import { deleteRow, findRows } from '../models/store.ts';
import { coreItself, inUnit } from '../models/unit.ts';
import { sweepInstances } from '../outposts/instances.ts';
import { storeServiceAccount } from '../outposts/service-account.ts';
import type { Actor, TaskRun } from './actor.ts';

const taskLifeMs = 30 * 86_400_000;
const dayMs = 86_400_000;

export const housekeeping: readonly Actor[] = [
  {
    name: 'authentik.core.tasks.clean_expired_models',
    description: 'Remove expired objects.',
    schedule: { crontab: '2-59/5 * * * *' },
    run: cleanExpired,
  },
  {
    name: 'authentik.core.tasks.clean_temporary_users',
    description: 'Remove temporary users whose time is over.',
    schedule: { crontab: '9-59/5 * * * *' },
    run: cleanTemporaryUsers,
  },
  {
    name: 'authentik.tasks.tasks.clean_worker_statuses',
    description: 'Forget processes and tasks of the past.',
    schedule: { crontab: '~ ~ * * *' },
    run: cleanTasks,
  },
  {
    name: 'authentik.outposts.tasks.outpost_token_ensurer',
    description: 'Ensure that every outpost has its account, token and rights.',
    schedule: { crontab: '~ */8 * * *' },
    async run({ deps, log }) {
      const outposts = await deps.database.kysely.selectFrom('outposts').selectAll().execute();
      for (const outpost of outposts) await storeServiceAccount(deps.database.kysely, outpost);
      log('info', `Checked ${outposts.length} outposts`);
    },
  },
  {
    name: 'authentik.admin.tasks.update_latest_version',
    description: 'Look for a newer version. Off: this installation asks nobody.',
    schedule: { crontab: '~ * * * *', paused: true },
    async run({ log }) {
      log('info', 'There is no source of versions to ask');
    },
  },
  {
    name: 'authentik.events.tasks.gdpr_cleanup',
    description: 'Remove the events of a deleted user.',
    async run({ deps, args, log }) {
      const { numDeletedRows } = await deps.database.kysely
        .deleteFrom('events')
        .where(({ eb, ref }) => eb(ref('user', '->>').key('pk'), '=', String(args['user_pk'])))
        .executeTakeFirstOrThrow();
      log('info', `Removed ${numDeletedRows} events`);
    },
  },
];

async function cleanExpired({ deps, log }: TaskRun): Promise<void> {
  const { kysely } = deps.database;
  const now = new Date(deps.clock.now());
  log('info', `Expired ${await deps.sessions.sweep()} sessions`);
  const events = await kysely
    .deleteFrom('events')
    .where('expiring', '=', true)
    .where('expires', '<', now)
    .executeTakeFirstOrThrow();
  log('info', `Expired ${events.numDeletedRows} events`);
  const grants = await kysely.deleteFrom('oauth_grants').where('expires', '<=', now).executeTakeFirstOrThrow();
  log('info', `Expired ${grants.numDeletedRows} OAuth grants`);
  const tokens = await kysely
    .deleteFrom('tokens')
    .where('expiring', '=', true)
    .where('expires', '<', now)
    .where('intent', '!=', 'api')
    .executeTakeFirstOrThrow();
  log('info', `Expired ${tokens.numDeletedRows} tokens, rotated ${await rotateTokens(deps, now)}`);
  await sweepInstances(deps);
}

/** Expired API tokens get a new key and live on (core.md §12.5). */
async function rotateTokens(deps: TaskRun['deps'], now: Date): Promise<number> {
  const { kysely } = deps.database;
  const expired = await kysely
    .selectFrom('tokens')
    .select(['uuid', 'identifier'])
    .where('expiring', '=', true)
    .where('expires', '<', now)
    .where('intent', '=', 'api')
    .execute();
  for (const { uuid, identifier } of expired) {
    await kysely
      .updateTable('tokens')
      .set({
        key: randomId(deps.settings.current().default_token_length),
        expires: new Date(now.getTime() + deps.settings.tokenDurationMs()),
      })
      .where('uuid', '=', uuid)
      .execute();
    await recordEvent(deps, {
      action: 'secret_rotate',
      app: 'authentik.core',
      context: {
        message: `Token ${identifier}'s secret was rotated.`,
        token: { app: 'authentik_core', model_name: 'token', pk: uuid.replaceAll('-', ''), name: identifier },
      },
    });
  }
  return expired.length;
}

async function cleanTemporaryUsers({ deps, log }: TaskRun): Promise<void> {
  const nowSeconds = deps.clock.now() / 1000;
  const users = await findRows(deps.database.kysely, userModel, {
    where: [
      sql<boolean>`attributes @> '{"goauthentik.io/user/generated": true}'
        and (attributes->>'goauthentik.io/user/expires') ~ '^[0-9.]+$'
        and (attributes->>'goauthentik.io/user/expires')::numeric < ${nowSeconds}`,
    ],
  });
  await inUnit(deps, { ...coreItself, cause: 'expiry of temporary users' }, async (unit) => {
    for (const user of users) await deleteRow(unit, userModel, user);
  });
  log('info', `Removed ${users.length} users`);
}

async function cleanTasks({ deps, log }: TaskRun): Promise<void> {
  const { kysely } = deps.database;
  const now = deps.clock.now();
  await kysely
    .deleteFrom('workers')
    .where('last_seen', '<', new Date(now - dayMs))
    .execute();
  const { numDeletedRows } = await kysely
    .deleteFrom('tasks')
    .where('state', 'in', ['done', 'rejected'])
    .where('mtime', '<', new Date(now - taskLifeMs))
    .executeTakeFirstOrThrow();
  log('info', `Removed ${numDeletedRows} finished tasks`);
}
