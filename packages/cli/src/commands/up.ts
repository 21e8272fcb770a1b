// `gatehouse up`: the whole of it on one machine, from one command. Core on its private PostgreSQL, front door, and outposts,
// seeded on the first start; tells what to try once a bind over the wire has succeeded.
import { mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Address, formatAddress } from '@gatehouse/daemon/config';
import { describeExit } from '@gatehouse/daemon/lifecycle';
import type { Environment } from '../daemons.ts';
import { cliError, formatError } from '../errors.ts';
import { fetchOutpostToken } from '../up/core-api.ts';
import { probeBind } from '../up/probe.ts';
import { loadSecrets, type Secrets } from '../up/secrets.ts';
import { addressOf, createStack, type Stack } from '../up/stack.ts';
import { formatSummary, type Summary } from '../up/summary.ts';

const probeMs = 20_000;
const probeName = 'cn=ldapservice,ou=users,dc=ldap,dc=goauthentik,dc=io';

export interface UpOptions {
  readonly dataDir: string;
  readonly env: Environment;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  readonly colour: boolean;
  /** Resolves when somebody wants an end. */
  readonly stopped: Promise<unknown>;
}

/** Runs until it is stopped or one of its processes ends. @returns the exit code */
export async function up(options: UpOptions): Promise<number> {
  const startedMs = performance.now();
  const dataDir = resolve(options.dataDir);
  const secrets = await loadSecrets(dataDir);
  const log = await openLog(dataDir);
  const stack = createStack((raw) => void log.appendFile(`${raw}\n`));
  const ended = stack.failure.then(({ name, exit }) => {
    const hint = exit.complaint?.['hint'];
    const advice = typeof hint === 'string' && hint !== '' ? `${hint}\n` : '';
    options.complain(
      `${describeExit(name, exit)}\n${advice}The whole story is in ${join(dataDir, 'gatehouse.log')}.\n`,
    );
    return 2;
  });
  try {
    const run = startAll(stack, { dataDir, secrets, env: options.env }).then((listeners) => {
      const tookMs = performance.now() - startedMs;
      options.print(formatSummary({ listeners, secrets, dataDir, tookMs, colour: options.colour }));
      return options.stopped.then(() => 0);
    });
    return await Promise.race([run, ended, options.stopped.then(() => 0)]);
  } catch (error) {
    options.complain(formatError(error));
    return 1;
  } finally {
    await stack.stop();
    await log.close();
  }
}

interface Installation {
  readonly dataDir: string;
  readonly secrets: Secrets;
  readonly env: Environment;
}

async function startAll(stack: Stack, installation: Installation): Promise<Summary['listeners']> {
  const { secrets } = installation;
  const core = await stack.start('core', coreEnvironment(installation));
  const coreAddress = addressOf(core, 'http');
  const coreUrl = `http://${coreAddress === undefined ? '' : formatAddress(coreAddress)}/`;
  const outpost = async (type: 'ldap' | 'radius') =>
    stack.start(type, {
      ...common(installation, type),
      AUTHENTIK_HOST: coreUrl,
      AUTHENTIK_TOKEN: await fetchOutpostToken(coreUrl, secrets.adminToken, type),
    });
  const [ldap, radius, router] = await Promise.all([
    outpost('ldap'),
    outpost('radius'),
    stack.start('router', { ...common(installation, 'router'), ...routerEnvironment(installation, coreUrl) }),
  ]);
  const ldapAddress = addressOf(ldap, 'ldap');
  if (ldapAddress !== undefined)
    await probeBind({
      address: reachable(ldapAddress),
      name: probeName,
      password: secrets.demoPassword,
      deadlineMs: probeMs,
    });
  return {
    http: addressOf(router, 'http'),
    core: coreAddress,
    ldap: ldapAddress,
    ldaps: addressOf(ldap, 'ldaps'),
    radius: addressOf(radius, 'radius'),
  };
}

/** On loopback unless told otherwise: seeded passwords are for trying, not for the network. */
const listeners: Readonly<Record<string, string>> = {
  AUTHENTIK_LISTEN__HTTP: '127.0.0.1:9000',
  AUTHENTIK_LISTEN__HTTPS: '127.0.0.1:9443',
  AUTHENTIK_LISTEN__CORE: '127.0.0.1:8000',
  AUTHENTIK_LISTEN__LDAP: '127.0.0.1:3389',
  AUTHENTIK_LISTEN__LDAPS: '127.0.0.1:6636',
  AUTHENTIK_LISTEN__RADIUS: '127.0.0.1:1812',
};
const metricsPorts: Readonly<Record<string, number>> = { core: 9301, ldap: 9302, radius: 9303, router: 9300 };

function common({ env, dataDir }: Installation, name: string): Environment {
  const metrics = env['AUTHENTIK_LISTEN__METRICS'];
  return {
    ...listeners,
    ...env,
    AUTHENTIK_DATA_DIR: dataDir,
    AUTHENTIK_INSTANCE_NAME: name,
    AUTHENTIK_LISTEN__METRICS: metrics ?? `127.0.0.1:${metricsPorts[name] ?? 0}`,
  };
}

function coreEnvironment(installation: Installation): Environment {
  const { secrets } = installation;
  return {
    AUTHENTIK_BOOTSTRAP_PASSWORD: secrets.adminPassword,
    AUTHENTIK_BOOTSTRAP_TOKEN: secrets.adminToken,
    AUTHENTIK_DEMO: 'true',
    AUTHENTIK_DEMO_PASSWORD: secrets.demoPassword,
    AUTHENTIK_DEMO_RADIUS_SECRET: secrets.radiusSecret,
    AUTHENTIK_SECRET_KEY: secrets.secretKey,
    ...common(installation, 'core'),
  };
}

function routerEnvironment({ secrets, dataDir }: Installation, coreUrl: string): Environment {
  return {
    AUTHENTIK_CORE__URL: coreUrl,
    AUTHENTIK_CORE__TOKEN: secrets.adminToken,
    AUTHENTIK_SECRET_KEY: secrets.secretKey,
    AUTHENTIK_LISTEN__SOCKET: join(dataDir, 'authentik.sock'),
    AUTHENTIK_STORAGE__FILE__PATH: join(dataDir, 'files'),
  };
}

/** A wildcard address is reached by loopback. */
function reachable({ host, port }: Address): Address {
  return { host: host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host, port };
}

async function openLog(dataDir: string) {
  const file = join(dataDir, 'gatehouse.log');
  try {
    await mkdir(dataDir, { recursive: true });
    return await open(file, 'a', 0o600);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw cliError(
      'ERR_CLI_DATA_FOLDER',
      `The log ${file} cannot be written: ${reason}.`,
      'Choose another data folder.',
      cause,
    );
  }
}
