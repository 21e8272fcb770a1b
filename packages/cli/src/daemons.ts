// The daemons that the command can hand over to. Each is imported when it is asked for, so that `gatehouse ldap` loads
// nothing of the core. A workspace's entry exports `run<Name>Daemon(argv, env)`, its settings as `<name>Config`
// and, where it has any, `<name>Commands`.
import type { Commands } from '@gatehouse/daemon/commands';
import type { Section } from '@gatehouse/daemon/config';
import { cliError } from './errors.ts';

/** Names of the daemons, as typed after `gatehouse`. */
export const daemonNames = ['core', 'ldap', 'radius', 'proxy', 'router'] as const;
export type DaemonName = (typeof daemonNames)[number];

/** Environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Runs until a signal ends it. @returns the exit code */
export type RunDaemon = (argv: readonly string[], env: Environment) => Promise<number>;

interface Daemon {
  readonly summary: string;
  readonly load: () => Promise<object>;
}

/** What each daemon is, and where it comes from. */
export const daemons: Readonly<Record<DaemonName, Daemon>> = {
  core: { summary: 'Identity core: users, flows, REST API, OpenID Connect.', load: () => import('@gatehouse/core') },
  ldap: { summary: 'LDAP outpost.', load: () => import('@gatehouse/ldap') },
  radius: { summary: 'RADIUS outpost.', load: () => import('@gatehouse/radius') },
  proxy: { summary: 'Identity-aware reverse proxy and forward-auth outpost.', load: () => import('@gatehouse/proxy') },
  router: { summary: 'Front door: routes to the core, supervises it.', load: () => import('@gatehouse/router') },
};

/** @throws GatewayError `ERR_CLI_NOT_IN_BUILD` */
export async function loadDaemon(name: DaemonName): Promise<RunDaemon> {
  const run = await exportOf(name, `run${name[0]?.toUpperCase()}${name.slice(1)}Daemon`);
  if (isRunDaemon(run)) return run;
  throw notInBuild(`The ${name} daemon is`);
}

/** The definition of a daemon's settings. @throws GatewayError `ERR_CLI_NOT_IN_BUILD` */
export async function loadSettings(name: DaemonName): Promise<Section> {
  const settings = await exportOf(name, `${name}Config`);
  if (isSection(settings)) return settings;
  throw notInBuild(`A list of the settings of ${name} is`);
}

/** What a daemon can do besides running. */
export async function loadCommands(name: DaemonName): Promise<Commands> {
  const commands = await exportOf(name, `${name}Commands`);
  return isCommands(commands) ? commands : {};
}

/** A daemon's own health check, where it has one; the others answer on the socket that all have. */
export async function loadHealthcheck(name: DaemonName): Promise<RunDaemon | undefined> {
  const check = await exportOf(name, `${name}Healthcheck`);
  return isRunDaemon(check) ? check : undefined;
}

async function exportOf(name: DaemonName, key: string): Promise<unknown> {
  return Reflect.get(await daemons[name].load(), key);
}

function notInBuild(what: string) {
  return cliError('ERR_CLI_NOT_IN_BUILD', `${what} not part of this build.`, 'Use a later version of gatehouse.');
}

function isRunDaemon(value: unknown): value is RunDaemon {
  return typeof value === 'function';
}

function isCommands(value: unknown): value is Commands {
  return typeof value === 'object' && value !== null;
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null;
}
