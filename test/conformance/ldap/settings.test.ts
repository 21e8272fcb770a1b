// Cases of ldap.md §18 that depend on settings: of the flow, of the provider, of the outpost.

import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { commandFile, runTool, startDaemon, until } from '../../harness/index.ts';
import { cached, direct, dnOf, ldapFixture, password, startOutpost } from './fixture.ts';
import { searchRequest, WireClient } from './wire-client.ts';

const fixture = ldapFixture();

const bindAt = async (port: number, dn: string, secret = password) => {
  using client = await WireClient.plain(port);
  return await client.bind(dn, secret);
};
const flows = () => fixture.gate.calls.filter(({ path }) => path.includes('/flows/')).length;

async function provider(name: string) {
  const { results } = await fixture.core.call<{ results: { pk: number; name: string; authorization_flow: string }[] }>(
    'GET',
    '/providers/ldap/',
  );
  const found = results.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no provider ${name}`);
  return found;
}

/** A flow of name, password, and so many stages that ask again and again. */
async function flowWith(slug: string, further: number): Promise<string> {
  const { core } = fixture;
  const body = { name: slug, slug, title: slug, designation: 'authentication' };
  const flow = await core.call<{ pk: string }>('POST', '/flows/instances/', body);
  const stages: (string | undefined)[] = [];
  for (const kind of ['identification', 'password'])
    stages.push((await core.call<{ results: { pk: string }[] }>('GET', `/stages/${kind}/`)).results[0]?.pk);
  for (let count = 0; count < further; count += 1) {
    const asking = { name: `${slug} ${count}`, remember_me_offset: 'days=1' };
    stages.push((await core.call<{ pk: string }>('POST', '/stages/user_login/', asking)).pk);
  }
  for (const [order, stage] of stages.entries())
    await core.call('POST', '/flows/bindings/', { target: flow.pk, stage, order });
  return flow.pk;
}

test('ldap 19: a flow of eleven stages that want an answer is 49, one of nine is fine', async () => {
  const { pk, authorization_flow } = await provider('Direct');
  for (const [slug, further, expected] of [
    ['nine-stages', 7, 0],
    ['eleven-stages', 9, 49],
  ] as const) {
    await fixture.core.call('PATCH', `/providers/ldap/${pk}/`, { authorization_flow: await flowWith(slug, further) });
    await fixture.refresh();
    expect([slug, await bindAt(fixture.port, dnOf('jdoe', direct))]).toEqual([slug, expected]);
  }
  await fixture.core.call('PATCH', `/providers/ldap/${pk}/`, { authorization_flow });
  await fixture.refresh();
});

test('ldap 26: a remembered bind is forgotten after its time', async () => {
  await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__BIND_CACHE_TTL: '1s' });
  const { port } = outpost.bound('ldap');
  expect(await bindAt(port, dnOf('jane'))).toBe(0);
  const before = flows();
  await until(async () => {
    expect(await bindAt(port, dnOf('jane'))).toBe(0);
    return flows() > before;
  });
});

test('ldap 91: other MFA support and another flow count from the next refresh on, in cached mode too', async () => {
  const { pk, authorization_flow } = await provider('Directory');
  const change = async (values: object) => {
    await fixture.core.call('PATCH', `/providers/ldap/${pk}/`, values);
    await fixture.refresh();
  };
  const user = fixture.pks.get('jane');
  await fixture.core.call('POST', `/core/users/${user}/set_password/`, { password: 'secret pw;123456' });
  expect(await bindAt(fixture.port, dnOf('jane'), 'secret pw;123456')).toBe(49);
  await change({ mfa_support: false });
  expect(await bindAt(fixture.port, dnOf('jane'), 'secret pw;123456')).toBe(0);
  await change({ mfa_support: true, authorization_flow: await flowWith('too-long', 9) });
  expect(await bindAt(fixture.port, dnOf('jdoe'))).toBe(49);
  await change({ authorization_flow });
  expect(await bindAt(fixture.port, dnOf('jdoe'))).toBe(0);
});

test('ldap 93: the health check is 0 while it runs, and 1 when it does not', async () => {
  await using folder = await temporaryFolder();
  const env = { AUTHENTIK_HOST: fixture.gate.url, AUTHENTIK_TOKEN: await fixture.core.outpostToken('ldap') };
  const check = async () =>
    (await runTool(process.execPath, [commandFile, 'ldap', 'healthcheck'], '', { ...env, TMPDIR: folder.path })).code;
  expect(await check()).toBe(1);
  const outpost = await startDaemon('ldap', { env: { ...env, TMPDIR: folder.path } });
  expect(await check()).toBe(0);
  await outpost.stop();
  expect(await check()).toBe(1);
});

test('ldap 5.3: forms of other directories bind where they are allowed, and nowhere else', async () => {
  const forms = [
    `uid=jdoe,ou=users,${cached}`,
    `sAMAccountName=jdoe,${cached}`,
    'jdoe@ldap.goauthentik.io',
    'LDAP\\jdoe',
  ];
  for (const form of forms) expect([form, await bindAt(fixture.port, form)]).toEqual([form, 50]);
  await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__EXTRA_BIND_FORMS: 'true' });
  const { port } = outpost.bound('ldap');
  for (const form of forms) expect([form, await bindAt(port, form)]).toEqual([form, 0]);
  expect(await bindAt(port, 'jdoe')).toBe(50);
  using client = await WireClient.plain(port);
  expect(await client.bind('direct\\jdoe', password)).toBe(0);
  expect(await client.code(searchRequest(direct, '(cn=jdoe)'))).toBe(0);
});

test('ldap 7: where anonymous binds are refused, the empty bind is 50', async () => {
  await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__ANONYMOUS_BIND: 'refuse' });
  expect(await bindAt(outpost.bound('ldap').port, '', '')).toBe(50);
});
