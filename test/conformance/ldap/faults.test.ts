// ldap.md §6.4, "Fail closed, everywhere": each call that a bind makes to the core is spoilt in each way. No error path can
// answer success, and no trouble is told as a wrong password.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Fault, type RunningDaemon, until } from '../../harness/index.ts';
import { bases, cached, direct, dnOf, ldapFixture, password, startOutpost } from './fixture.ts';
import { codeOf as codeOfAnswers, namesOf, searchRequest, WireClient } from './wire-client.ts';

const fixture = ldapFixture();

const codeOf = (work: Promise<unknown>): Promise<number> =>
  work.then(
    () => 0,
    (error: { code?: number }) => error.code ?? -1,
  );

const flow = /\/flows\/executor\//;
/** The calls of one bind, in order, and how many of the same kind come before each. */
const calls: readonly (readonly [string, RegExp, number])[] = [
  ['first challenge', flow, 0],
  ['answer to identification', flow, 1],
  ['challenge after identification', flow, 2],
  ['answer to password', flow, 3],
  ['challenge after password', flow, 4],
  ['login', flow, 5],
  ['current user', /\/core\/users\/me\//, 0],
  ['access check', /check_access/, 0],
];
const faults: readonly (readonly [string, Fault])[] = [
  ['500', { kind: 'status', status: 500 }],
  ['502', { kind: 'status', status: 502 }],
  ['503', { kind: 'status', status: 503 }],
  ['404', { kind: 'status', status: 404 }],
  ['403', { kind: 'status', status: 403 }],
  ['a cut connection', { kind: 'cut' }],
  ['garbage', { kind: 'garbage' }],
  ['a wrong shape', { kind: 'nonsense' }],
];
const spoilt = calls.flatMap(([call, matching, skip]) =>
  faults.map(([name, fault]) => [call, name, matching, skip, fault] as const),
);

describe.each(bases)('below %s', (base) => {
  test.each(spoilt)('%s answering %s is unavailable, never success', async (_call, _name, matching, skip, fault) => {
    const heal = fixture.gate.spoil(matching, fault, skip);
    const code = await codeOf(fixture.client().bind(dnOf('grace', base), password));
    heal();
    expect([1, 52]).toContain(code);
  });

  test('and afterwards the same bind succeeds', async () => {
    expect(await codeOf(fixture.client().bind(dnOf('grace', base), password))).toBe(0);
  });
});

test.each(faults)(
  'ldap 7.8: a direct search while the core answers %s is trouble, never an empty success',
  async (_name, fault) => {
    const client = await fixture.bound('svc', direct);
    for (const path of [/\/core\/users\//, /\/core\/groups\//]) {
      const heal = fixture.gate.spoil(path, fault);
      const code = await codeOf(client.search(direct, { filter: '(objectClass=*)' }));
      heal();
      expect(code).not.toBe(0);
    }
  },
);

describe('a core that takes requests and never answers', () => {
  let patient: RunningDaemon;
  beforeAll(async () => {
    patient = await startOutpost(fixture, { AUTHENTIK_LDAP__LOGIN_TIMEOUT: '1', AUTHENTIK_LDAP__MAX_SEARCH_TIME: '1' });
  });
  afterAll(() => patient[Symbol.asyncDispose]());
  const bindAs = async (username: string, base: string) => {
    using client = await WireClient.plain(patient.bound('ldap').port);
    return await client.bind(dnOf(username, base), password);
  };
  const hangs = bases.flatMap((base) => calls.map(([call, matching, skip]) => [call, base, matching, skip] as const));

  test.each(hangs)(
    'at the %s, below %s: unavailable in time, and others get in meanwhile',
    async (_, base, at, skip) => {
      const heal = fixture.gate.spoil(at, { kind: 'hang' }, skip);
      onTestFinished(heal);
      const began = performance.now();
      expect(await bindAs('alan', base)).toBe(52);
      expect(performance.now() - began).toBeLessThan(10_000);
      heal();
      await expect.poll(() => bindAs('grace', base), { timeout: 20_000 }).toBe(0); // a second is short on a busy machine
    },
  );

  test('at users or groups: a direct search is over in time, one in memory does not notice', async () => {
    await until(async () => codeOfAnswers(await find(cached)) === 0);
    for (const path of [/\/core\/users\/\?/, /\/core\/groups\//, /\/outposts\/sync\//]) {
      const heal = fixture.gate.spoil(path, { kind: 'hang' });
      onTestFinished(heal);
      process.kill(patient.pid ?? 0, 'SIGUSR1');
      const directCode = codeOfAnswers(await find(direct));
      if (!path.source.includes('sync')) expect(directCode).toBe(3);
      const answers = await find(cached);
      expect([codeOfAnswers(answers), namesOf(answers)]).toEqual([0, expect.arrayContaining(['jdoe'])]);
      heal();
    }
  });

  async function find(base: string) {
    using client = await WireClient.plain(patient.bound('ldap').port);
    await until(async () => (await client.bind(dnOf('svc', base), password)) === 0); // a second is short on a busy machine
    return await client.request(searchRequest(base, '(displayName=John Doe)'));
  }
});

test('in cached mode, while the directory is not here and the core cannot be asked, a search is told to come again', async () => {
  const heal = fixture.gate.spoil(/\/core\/(?:users\/\?|groups\/)/, { kind: 'status', status: 503 });
  onTestFinished(heal);
  await using loading = await startOutpost(fixture, {});
  using client = await WireClient.plain(loading.bound('ldap').port);
  expect(await client.bind(dnOf('svc', cached), password)).toBe(0);
  expect(codeOfAnswers(await client.request(searchRequest(cached, '(cn=jdoe)')))).toBe(51);
  using other = await WireClient.plain(loading.bound('ldap').port);
  expect(await other.bind(dnOf('svc', direct), password)).toBe(0);
  expect(codeOfAnswers(await other.request(searchRequest(direct, '(cn=jdoe)')))).toBe(52);
}, 60_000);

test('in cached mode, while the directory is being read, the core is asked for what a search is about', async () => {
  const heal = fixture.gate.spoil(/\/core\/groups\/\?.*include_users=false/, { kind: 'hang' });
  onTestFinished(heal);
  await using loading = await startOutpost(fixture, {});
  using client = await WireClient.plain(loading.bound('ldap').port);
  expect(await client.bind(dnOf('svc', cached), password)).toBe(0);
  const before = fixture.gate.calls.length;
  const answers = await client.request(searchRequest(`ou=users,${cached}`, '(cn=jdoe)'));
  expect([codeOfAnswers(answers), namesOf(answers)]).toEqual([0, ['jdoe']]);
  const asked = fixture.gate.calls.slice(before).filter(({ path }) => path.includes('username=jdoe'));
  expect(asked).toHaveLength(1);
}, 60_000);

test('ldap 22: with the core gone, who is remembered still gets in, and the directory in memory answers', async () => {
  await fixture.bound('svc', cached);
  const heal = fixture.gate.spoil(/./, { kind: 'cut' });
  const client = await fixture.bound('svc', cached);
  const { searchEntries } = await client.search(cached, { filter: '(cn=jdoe)' });
  heal();
  expect(searchEntries.length).toBeGreaterThan(0);
});

test('an outpost whose core is absent listens, answers unavailable, says so, and recovers by itself', async () => {
  const { host, port } = fixture.daemon.bound('metrics');
  const ready = async () => (await fetch(`http://${host}:${port}/-/ready`)).text();
  await fixture.core.stop();
  expect(await codeOf(fixture.client().bind(dnOf('alan', direct), password))).toBe(52);
  await until(async () => (await ready()).includes('degraded'));
  await fixture.core.restart();
  expect(await codeOf(fixture.client().bind(dnOf('alan', direct), password))).toBe(0);
  await until(async () => !(await ready()).includes('degraded'), 60_000);
}, 90_000);
