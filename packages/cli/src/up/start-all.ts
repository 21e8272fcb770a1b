// Starts the processes of a single-command installation in the order in which they need one another, then proves that what
// it will tell people works: a bind, and the demo site behind its login.
import { request as httpRequest } from 'node:http';
import type { Address } from '@gatehouse/daemon/config';
import { formatAddress, parseAddress } from '@gatehouse/daemon/config';
import type { Child } from '@gatehouse/daemon/lifecycle';
import { freePort } from '@gatehouse/daemon/net';
import { cliError } from '../errors.ts';
import type { Watched } from '../status/collect.ts';
import { createCoreApi } from './core-api.ts';
import { demoIcon, demoIconName } from './demo-icon.ts';
import { serveDemoSite } from './demo-site.ts';
import {
  coreEnvironment,
  type Installation,
  outpostEnvironment,
  routerEnvironment,
  webPathOf,
} from './environments.ts';
import { probeBind } from './probe.ts';
import { addressOf, type Stack } from './stack.ts';
import type { Summary } from './summary.ts';

export interface Started {
  readonly listeners: Summary['listeners'];
  readonly coreUrl: string;
  readonly metrics: readonly Pick<Watched, 'name' | 'metrics'>[];
}

const defaultCore: Address = { host: '127.0.0.1', port: 8000 };
const probeMs = 20_000;
const probeName = 'cn=ldapservice,ou=users,dc=ldap,dc=goauthentik,dc=io';

/** @param closing gets what must be closed at the end */
export async function startAll(
  stack: Stack,
  installation: Installation,
  closing: { use(one: AsyncDisposable): void },
): Promise<Started> {
  const { secrets } = installation;
  const given = parseAddress((installation.env['AUTHENTIK_LISTEN__CORE'] ?? '').split(',')[0] ?? '') ?? defaultCore;
  // Its address has to be known before it runs, since the front door starts beside it.
  const chosen = given.port === 0 ? { ...given, port: await freePort(given.host) } : undefined;
  const coreUrl = `http://${formatAddress(reachable(chosen ?? given))}${webPathOf(installation.env)}`;
  // Whoever comes meanwhile is told by the front door that all of it is starting.
  const door = stack.start('router', routerEnvironment(installation, coreUrl));
  door.catch(() => undefined); // awaited below; the stack tells of it, too
  const core = await stack.start('core', {
    ...coreEnvironment(installation),
    ...(chosen === undefined ? {} : { AUTHENTIK_LISTEN__CORE: formatAddress(chosen) }),
  });
  const api = createCoreApi(coreUrl, secrets.adminToken);
  const outpost = async (type: 'ldap' | 'radius') => {
    const token = await api.outpostToken(type);
    return stack.start(type, outpostEnvironment(installation, type, { url: coreUrl, token }));
  };
  const demo = await serveDemoSite(demoAddress(installation), api.demoIcon);
  closing.use(demo);
  const [ldap, radius, router] = await Promise.all([outpost('ldap'), outpost('radius'), door]);
  const http = boundTo(router, 'http');
  const site = `http://demo.localhost:${http.port}`;
  const ldapAddress = reachable(boundTo(ldap, 'ldap'));
  await Promise.all([
    probeBind({ address: ldapAddress, name: probeName, password: secrets.demoPassword, deadlineMs: probeMs }),
    api
      .placeDemoSite({ external: site, internal: `http://${formatAddress(reachable(demo.address))}` })
      .then(() => probeSite(reachable(http), site)),
    api.uploadDemoIcon(demoIconName, demoIcon),
  ]);
  return {
    listeners: {
      http,
      core: boundTo(core, 'http'),
      ldap: ldapAddress,
      ldaps: addressOf(ldap, 'ldaps'),
      radius: addressOf(radius, 'radius'),
    },
    coreUrl,
    metrics: [router, core, ldap, radius].map((child) => ({
      name: child.name,
      metrics: reachable(boundTo(child, 'metrics')),
    })),
  };
}

function boundTo(child: Child, component: string): Address {
  const address = addressOf(child, component);
  if (address !== undefined) return address;
  throw cliError('ERR_CLI_PROBE_FAILED', `${child.name} listens nowhere (${component}).`, 'Its log lines say why.');
}

function demoAddress({ env }: Installation): Address {
  return parseAddress(env['AUTHENTIK_LISTEN__DEMO'] ?? '') ?? { host: '127.0.0.1', port: 0 };
}

/** A wildcard address is reached by loopback. */
function reachable({ host, port }: Address): Address {
  return { host: host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host, port };
}

/** Waits until the front door sends visitors of the demo site to the login. @throws GatewayError `ERR_CLI_PROBE_FAILED` */
async function probeSite(door: Address, site: string): Promise<void> {
  const endMs = Date.now() + probeMs;
  while (Date.now() < endMs) {
    const location = await locationOf(door, new URL(site).host);
    if (location.includes('/outpost.goauthentik.io/')) return;
    await new Promise((again) => setTimeout(again, 50));
  }
  throw cliError(
    'ERR_CLI_PROBE_FAILED',
    `The demo site ${site} has no login in front.`,
    'The log lines of router say why.',
  );
}

/** Where a visitor of this host is sent; empty for nowhere. */
function locationOf({ host, port }: Address, site: string): Promise<string> {
  return new Promise((resolve) => {
    const asked = httpRequest({ host, port, path: '/', headers: { host: site, accept: 'text/html' }, agent: false });
    asked.on('response', (answer) => {
      answer.resume();
      resolve(answer.headers.location ?? '');
    });
    asked.on('error', () => resolve('')).end();
  });
}
