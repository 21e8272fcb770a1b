// The directory of ldap.md §18: one core, one gate in front of it, one LDAP outpost with a provider in each mode.
import { startTestCore, type TestCore, testPassword } from '@gatehouse/core/testing';
import { Client } from 'ldapts';
import { afterAll, beforeAll } from 'vitest';
import { type Gate, type RunningDaemon, startDaemon, startGate, until } from '../../harness/index.ts';

export const password = testPassword;
export const cached = 'dc=ldap,dc=goauthentik,dc=io';
export const direct = 'dc=direct,dc=example,dc=org';
export const bases = [cached, direct] as const;

export interface LdapFixture extends AsyncDisposable {
  readonly core: TestCore;
  readonly gate: Gate;
  readonly daemon: RunningDaemon;
  readonly url: string;
  readonly secureUrl: string;
  readonly port: number;
  readonly securePort: number;
  readonly pks: ReadonlyMap<string, number>;
  readonly groups: ReadonlyMap<string, { readonly pk: string; readonly num_pk: number }>;
  /** A client, unbound; closed with the fixture. */
  client(): Client;
  /** A client bound as this user of this base. */
  bound(username: string, base?: string): Promise<Client>;
  /** Makes the outpost fetch everything anew and waits for it. */
  refresh(): Promise<void>;
}

const people = [
  { username: 'jdoe', name: 'John Doe', email: 'jdoe@example.com', attributes: {} },
  { username: 'jane', name: 'Jane Roe', email: '', attributes: {} },
  { username: 'svc', name: 'Service', email: '', attributes: {}, type: 'service_account' },
  { username: 'old', name: 'Old Timer', email: '', attributes: {}, is_active: false },
  {
    username: "o'neil, pat",
    name: "Pat O'Neil",
    email: 'pat@example.com',
    attributes: {
      'a.b/c': true,
      list: [1, 'x', null],
      mapping: { foo: 'bar' },
      homeDirectory: '/srv/%s',
      percent: '100%',
      uidNumber: 5001,
      memberOf: ['cn=authentik Admins'],
    },
  },
];

/** The directory for all tests of the file that calls this: there before the first, gone behind the last. */
export function ldapFixture(env: Readonly<Record<string, string>> = {}): LdapFixture {
  const fixture: Partial<LdapFixture> = {};
  beforeAll(async () => {
    Object.assign(fixture, await startLdapFixture(env));
  }, 120_000);
  afterAll(() => fixture[Symbol.asyncDispose]?.());
  return fixture as LdapFixture; // whole before any test runs
}

export async function startLdapFixture(env: Readonly<Record<string, string>> = {}): Promise<LdapFixture> {
  const core = await startTestCore();
  const pks = new Map<string, number>();
  for (const person of people) {
    const { pk } = await core.call<{ pk: number }>('POST', '/core/users/', person);
    await core.call('POST', `/core/users/${pk}/set_password/`, { password });
    pks.set(person.username, pk);
  }
  const groups = await makeGroups(core, pks);
  await makeDirectProvider(core, pks.get('svc') ?? 0);
  const gate = await startGate(core.url);
  const daemon = await startDaemon('ldap', {
    env: { AUTHENTIK_HOST: gate.url, AUTHENTIK_TOKEN: await core.outpostToken('ldap'), ...env },
  });
  const url = `ldap://127.0.0.1:${daemon.bound('ldap').port}`;
  const clients: Client[] = [];
  const client = () => {
    const made = new Client({ url, timeout: 10_000, connectTimeout: 5_000 });
    clients.push(made);
    return made;
  };
  const fixture: LdapFixture = {
    core,
    gate,
    daemon,
    url,
    secureUrl: `ldaps://127.0.0.1:${daemon.bound('ldaps').port}`,
    port: daemon.bound('ldap').port,
    securePort: daemon.bound('ldaps').port,
    pks,
    groups,
    client,
    async bound(username, base = cached) {
      const made = client();
      await made.bind(dnOf(username, base), password);
      return made;
    },
    async refresh() {
      const before = gate.calls.length;
      process.kill(daemon.pid ?? 0, 'SIGUSR1');
      await until(() =>
        gate.calls.slice(before).some(({ path }) => /^\/api\/v3\/(?:core\/groups|outposts\/sync)\//.test(path)),
      );
      // The snapshot is in service once the call after it is possible; a search sees it then.
      await new Promise((later) => setTimeout(later, 100));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((one) => one.unbind().catch(() => undefined)));
      await daemon[Symbol.asyncDispose]();
      await gate[Symbol.asyncDispose]();
      await core[Symbol.asyncDispose]();
    },
  };
  await until(() => fixture.bound('svc').then(() => true));
  await until(async () => {
    const found = await (await fixture.bound('svc')).search(cached, { scope: 'sub', filter: '(cn=jdoe)' });
    return found.searchEntries.length > 0;
  });
  return fixture;
}

/** A second outpost on the same core, with other settings. */
export async function startOutpost(
  { core, gate }: LdapFixture,
  env: Readonly<Record<string, string>>,
): Promise<RunningDaemon> {
  const daemon = await startDaemon('ldap', {
    env: { AUTHENTIK_HOST: gate.url, AUTHENTIK_TOKEN: await core.outpostToken('ldap'), ...env },
  });
  await until(() => daemon.lines.some(({ event }) => event === 'Update providers'));
  return daemon;
}

export function dnOf(username: string, base: string = cached): string {
  return `cn=${username.replaceAll(',', '\\,')},ou=users,${base}`;
}

async function makeGroups(core: TestCore, pks: ReadonlyMap<string, number>) {
  const of = (...names: string[]) => names.map((name) => pks.get(name));
  const admins = await core.call<{ pk: string; num_pk: number }>('POST', '/core/groups/', {
    name: 'admins',
    is_superuser: true,
    users: of('jdoe'),
  });
  const devs = await core.call<{ pk: string; num_pk: number }>('POST', '/core/groups/', {
    name: 'devs',
    parents: [admins.pk],
    users: of('jdoe', "o'neil, pat"),
    attributes: { gidNumber: '7001' },
  });
  return new Map([
    ['admins', admins],
    ['devs', devs],
  ]);
}

async function makeDirectProvider(core: TestCore, svc: number): Promise<void> {
  const { database } = core.deps;
  const cachedProvider = await database.kysely
    .selectFrom('providers')
    .selectAll()
    .where('name', '=', 'Directory')
    .executeTakeFirstOrThrow();
  const provider = await core.call<{ pk: number }>('POST', '/providers/ldap/', {
    name: 'Direct',
    base_dn: 'DC=direct,DC=example,DC=org',
    authorization_flow: cachedProvider.authorization_flow,
    invalidation_flow: cachedProvider.invalidation_flow,
    bind_mode: 'direct',
    search_mode: 'direct',
  });
  await core.call('POST', '/core/applications/', { name: 'Direct', slug: 'direct', provider: provider.pk });
  const outpost = (
    await core.call<{ results: { pk: string; type: string }[] }>('GET', '/outposts/instances/')
  ).results.find(({ type }) => type === 'ldap');
  await core.call('PATCH', `/outposts/instances/${outpost?.pk}/`, { providers: [cachedProvider.id, provider.pk] });
  for (const object of [cachedProvider.id, provider.pk])
    await database.kysely
      .insertInto('grants')
      .values({
        user_id: svc,
        permission: 'authentik_providers_ldap.search_full_directory',
        object: String(object),
      })
      .execute();
}
