// `gatehouse doctor`: looks at everything that makes nights short — settings, database, clocks, mail, certificates, outposts,
// blueprints, tasks — and says what to do. Exit code 1 if something is wrong, 0 if there are remarks only.

import { stat } from 'node:fs/promises';
import type { Terminal } from '@gatehouse/daemon/commands';
import { loadConfig } from '@gatehouse/daemon/config';
import { sql } from 'kysely';
import { type CoreConfig, coreConfig } from '../config.ts';
import type { CoreDeps } from '../deps.ts';
import { instanceStates } from '../outposts/instances.ts';
import { postOf } from '../start-options.ts';
import { withCore } from './with-core.ts';

interface Finding {
  readonly level: 'ok' | 'remark' | 'wrong';
  readonly what: string;
  /** What to do. */
  readonly hint?: string;
}

type Check = (deps: CoreDeps, config: CoreConfig, terminal: Terminal) => Promise<readonly Finding[]>;

const ok = (what: string): Finding => ({ level: 'ok', what });
const remark = (what: string, hint: string): Finding => ({ level: 'remark', what, hint });
const wrong = (what: string, hint: string): Finding => ({ level: 'wrong', what, hint });

const checks: readonly Check[] = [
  settings,
  database,
  clock,
  certificates,
  outposts,
  blueprints,
  tasks,
  administrators,
  mail,
];

/** @returns exit code */
export async function doctor(_words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    loadConfig(coreConfig, { env: terminal.env, argv: [] });
  } catch (error) {
    return report([wrong(`Settings: ${messageOf(error)}`, 'See: gatehouse core config explain.')], terminal);
  }
  try {
    const findings = await withCore(terminal, async (deps, config) => {
      const found: Finding[] = [];
      for (const check of checks) found.push(...(await check(deps, config, terminal)));
      return found;
    });
    return report(findings, terminal);
  } catch (error) {
    const hint = error instanceof Error && 'hint' in error ? String(error.hint) : 'See the message.';
    return report([wrong(`Database: ${messageOf(error)}`, hint)], terminal);
  }
}

function report(findings: readonly Finding[], { print }: Terminal): number {
  const signs = { ok: 'ok     ', remark: 'remark ', wrong: 'WRONG  ' } as const;
  for (const { level, what, hint } of findings)
    print(`${signs[level]}${what}${hint === undefined ? '' : `\n       ${hint}`}\n`);
  return findings.some(({ level }) => level === 'wrong') ? 1 : 0;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

async function settings(_deps: CoreDeps, config: CoreConfig): Promise<readonly Finding[]> {
  const { length } = config.secret_key.reveal();
  const key =
    length < 32
      ? remark(`The secret key has ${length} characters only`, 'Anybody who guesses it is anybody: take 50 or more.')
      : ok('Secret key');
  if (config.postgresql.host !== '') return [key];
  const mode = await stat(config.data_dir).then(
    ({ mode: bits }) => bits & 0o077,
    () => 0,
  );
  return [
    key,
    (mode & 0o022) === 0
      ? ok('Data folder')
      : wrong('Others may write to the data folder', `chmod go-w ${config.data_dir}`),
  ];
}

async function database({ database: { kysely } }: CoreDeps): Promise<readonly Finding[]> {
  const { rows } = await sql<{ version: string; size: string; used: number; most: number }>`select
    current_setting('server_version') as version, pg_size_pretty(pg_database_size(current_database())) as size,
    (select count(*)::int from pg_stat_activity) as used, current_setting('max_connections')::int as most`.execute(
    kysely,
  );
  const [facts] = rows;
  if (facts === undefined) return [];
  const { version, size, used, most } = facts;
  const room =
    used > most * 0.8
      ? remark(`${used} of ${most} connections of PostgreSQL are in use`, 'Raise max_connections.')
      : ok(`PostgreSQL ${version}, ${size}, ${used} of ${most} connections`);
  return [room];
}

const tolerableSkewMs = 2_000;

async function clock({ database: { kysely }, clock: ours }: CoreDeps): Promise<readonly Finding[]> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(kysely);
  const skewMs = Math.abs((rows[0]?.now.getTime() ?? 0) - ours.now());
  if (skewMs < tolerableSkewMs) return [ok('Clocks of this machine and of the database agree')];
  return [
    wrong(
      `The clocks of this machine and of the database differ by ${Math.round(skewMs / 1000)} s`,
      'Run NTP on both: codes and tokens depend on the time.',
    ),
  ];
}

const soonMs = 30 * 86_400_000;

async function certificates({ database: { kysely }, clock: { now } }: CoreDeps): Promise<readonly Finding[]> {
  const rows = await kysely.selectFrom('certificates').select(['name', 'cert_expiry']).orderBy('name').execute();
  const found = rows.flatMap(({ name, cert_expiry }) => {
    const left = cert_expiry.getTime() - now();
    if (left <= 0) return [wrong(`The certificate ${name} has expired`, 'Replace it: clients refuse it.')];
    return left < soonMs
      ? [remark(`The certificate ${name} expires in ${Math.floor(left / 86_400_000)} days`, 'Replace it in time.')]
      : [];
  });
  return found.length > 0 ? found : [ok(`${rows.length} certificates, none about to expire`)];
}

async function outposts(deps: CoreDeps): Promise<readonly Finding[]> {
  const rows = await deps.database.kysely
    .selectFrom('outposts')
    .select(['uuid', 'name', 'managed', ({ fn }) => fn.agg<number>('count', ['uuid']).over().as('count')])
    .execute();
  const found: Finding[] = [];
  for (const { uuid, name, managed } of rows) {
    const states = await instanceStates(deps, uuid);
    const old = states.filter(({ version_outdated }) => version_outdated);
    if (states.length === 0 && managed === null)
      found.push(remark(`The outpost ${name} is not connected`, 'Start it, or delete it: nobody is served by it.'));
    else if (old.length > 0)
      found.push(remark(`${old.length} instances of the outpost ${name} have another version`, 'Update them.'));
    else if (states.length > 0) found.push(ok(`Outpost ${name}, ${states.length} connected`));
  }
  return found;
}

async function blueprints({ database: { kysely } }: CoreDeps): Promise<readonly Finding[]> {
  const rows = await kysely.selectFrom('blueprints').select(['name', 'status', 'enabled']).execute();
  const broken = rows.filter(({ status, enabled }) => enabled && status === 'error');
  return broken.length === 0
    ? [ok(`${rows.length} blueprints applied`)]
    : broken.map(({ name }) =>
        wrong(`The blueprint ${name} could not be applied`, 'Try: gatehouse apply <file> --dry-run.'),
      );
}

async function tasks({ database: { kysely }, clock: { now } }: CoreDeps): Promise<readonly Finding[]> {
  const rejected = await kysely
    .selectFrom('tasks')
    .select(({ fn }) => ['actor_name', fn.countAll<string>().as('count')])
    .where('state', '=', 'rejected')
    .groupBy('actor_name')
    .execute();
  const { rows } = await sql<{ late: string }>`select count(*) as late from tasks
    where state = 'queued' and coalesce(eta, created) < ${new Date(now() - 600_000)}`.execute(kysely);
  const late = Number(rows[0]?.late ?? 0);
  const found = rejected.map(({ actor_name, count }) =>
    remark(`${count} tasks ${actor_name} were given up`, 'Their log lines are at /api/v3/tasks/tasks/?state=rejected.'),
  );
  if (late > 0) found.push(wrong(`${late} tasks have waited for more than ten minutes`, 'Is a core running?'));
  return found.length > 0 ? found : [ok('Tasks')];
}

async function administrators({ database: { kysely } }: CoreDeps): Promise<readonly Finding[]> {
  const { rows } = await sql<{ count: string }>`select count(distinct u.id) as count from users u
    join memberships m on m.user_id = u.id join superuser_groups s on s.uuid = m.group_uuid
    where u.is_active and u.password not like '!%'`.execute(kysely);
  return Number(rows[0]?.count ?? 0) > 0
    ? [ok('Somebody can administrate')]
    : [remark('No administrator has a password', 'Log in once by: gatehouse recovery akadmin.')];
}

async function mail(_deps: CoreDeps, config: CoreConfig, { env }: Terminal): Promise<readonly Finding[]> {
  const { host, port } = config.email;
  if (host === 'localhost' && env['AUTHENTIK_EMAIL__HOST'] === undefined)
    return [remark('No mail server is set', 'AUTHENTIK_EMAIL__HOST; without one, recovery by mail cannot work.')];
  try {
    await postOf(config, { env, argv: [] }).mailer.check();
    return [ok(`Mail server ${host}:${port}`)];
  } catch (error) {
    return [wrong(messageOf(error), 'Try: gatehouse core mail test <address>.')];
  }
}
