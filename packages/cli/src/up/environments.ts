// Which settings each process of a single-command installation gets: our defaults first, then whatever the environment says.
import { join } from 'node:path';
import { readPathPrefix } from '@gatehouse/daemon/config';
import type { Environment } from '../daemons.ts';
import type { Secrets } from './secrets.ts';

export interface Installation {
  readonly dataDir: string;
  readonly secrets: Secrets;
  readonly env: Environment;
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

/** Few requests at a time need no large nursery; without this each process keeps up to 48 MB for short-lived objects. */
const smallNursery = '--max-semi-space-size=4';

/** Settings that every process has; the router and the core see the same files. */
export function common({ env, dataDir, secrets }: Installation, name: string): Environment {
  const metrics = env['AUTHENTIK_LISTEN__METRICS'];
  return {
    ...listeners,
    AUTHENTIK_SECRET_KEY: secrets.secretKey,
    AUTHENTIK_STORAGE__FILE__PATH: join(dataDir, 'files'),
    ...env,
    NODE_OPTIONS: `${smallNursery} ${env['NODE_OPTIONS'] ?? ''}`.trim(),
    AUTHENTIK_DATA_DIR: dataDir,
    AUTHENTIK_INSTANCE_NAME: name,
    AUTHENTIK_LISTEN__METRICS: metrics ?? `127.0.0.1:${metricsPorts[name] ?? 0}`,
  };
}

/** URL prefix of front door and core; one that they will refuse counts as none here. */
export function webPathOf(env: Environment): string {
  return readPathPrefix(env['AUTHENTIK_WEB__PATH'] ?? '') ?? '/';
}

export function coreEnvironment(installation: Installation): Environment {
  const { secrets } = installation;
  return {
    AUTHENTIK_BOOTSTRAP_PASSWORD: secrets.adminPassword,
    AUTHENTIK_BOOTSTRAP_TOKEN: secrets.adminToken,
    AUTHENTIK_DEMO: 'true',
    AUTHENTIK_DEMO_PASSWORD: secrets.demoPassword,
    AUTHENTIK_DEMO_RADIUS_SECRET: secrets.radiusSecret,
    ...common(installation, 'core'),
  };
}

export function routerEnvironment(installation: Installation, coreUrl: string): Environment {
  const { secrets, dataDir } = installation;
  return {
    AUTHENTIK_LISTEN__SOCKET: join(dataDir, 'authentik.sock'),
    AKPROXY_SESSION__PATH: join(dataDir, 'proxy-sessions'),
    ...common(installation, 'router'),
    AUTHENTIK_CORE__URL: coreUrl,
    AUTHENTIK_CORE__TOKEN: secrets.adminToken,
  };
}

export function outpostEnvironment(
  installation: Installation,
  type: 'ldap' | 'radius',
  core: { readonly url: string; readonly token: string },
): Environment {
  const { AUTHENTIK_SECRET_KEY: _, ...rest } = common(installation, type); // an outpost knows its own token only
  return { ...rest, AUTHENTIK_HOST: core.url, AUTHENTIK_TOKEN: core.token };
}
