// core.md §14.4 (GeoIP), §20.1 (enrichment) and §12.6 (sessions bound to a place) with databases that the test writes.
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bind,
  createVisitor,
  makeFlow,
  makeStage,
  makeUser,
  stageNamed,
  startTestCore,
  type TestCore,
  testPassword,
  uniqueName,
  writeMmdb,
} from '@gatehouse/core/testing';
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

const place = (continent: string, country: string, latitude: number, longitude: number) => ({
  continent: { code: continent },
  country: { iso_code: country },
  location: { latitude, longitude },
});
const network = (asn: number) => ({ autonomous_system_number: asn, autonomous_system_organization: `AS ${asn}` });
const [london, paris, sydney, nowhere] = ['192.0.2.10', '198.51.100.10', '203.0.113.10', '100.64.0.1'];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let core: TestCore;
let aheadMs = 0;
const clock: Clock = {
  ...systemClock,
  now: () => (systemClock.now() + aheadMs) as ReturnType<Clock['now']>,
  monotonicMs: () => systemClock.monotonicMs() + aheadMs,
};

beforeAll(async () => {
  folder = await temporaryFolder();
  const locations = { geoip: join(folder.path, 'city.mmdb'), asn: join(folder.path, 'asn.mmdb') };
  await writeFile(
    locations.geoip,
    writeMmdb('GeoLite2-City', {
      '192.0.2.0/24': place('EU', 'GB', 51.5, -0.12),
      '198.51.100.0/24': place('EU', 'FR', 48.85, 2.35),
      '203.0.113.0/24': place('OC', 'AU', -33.87, 151.21),
    }),
  );
  await writeFile(
    locations.asn,
    writeMmdb('GeoLite2-ASN', {
      '192.0.2.0/24': network(64_496),
      '198.51.100.0/24': network(64_496),
      '203.0.113.0/24': network(64_511),
    }),
  );
  core = await startTestCore({ locations, clock });
}, 60_000);
afterAll(async () => {
  await core?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

const from = (address: string) => ({ 'X-Forwarded-For': address });

/** A login that a policy guards before its last stage. @returns what attempts from an address end with */
async function guarded(settings: object, binding: object = {}, login: object = {}) {
  const { username } = await makeUser(core);
  const { slug } = await makeFlow(core, [
    await stageNamed(core, 'identification', 'default-authentication-identification'),
    await stageNamed(core, 'password', 'default-authentication-password'),
    await makeStage(core, 'user_login', login),
  ]);
  const policy = await core.call<{ pk: string }>('POST', '/policies/geoip/', { name: uniqueName('geo'), ...settings });
  const bindings = await core.call<{ results: { policybindingmodel_ptr_id: string; order: number }[] }>(
    'GET',
    `/flows/bindings/?target__slug=${slug}&ordering=-order`,
  );
  const last = bindings.results.find(({ order }) => order === Math.max(...bindings.results.map((one) => one.order)));
  await bind(core, last?.policybindingmodel_ptr_id ?? '', { policy: policy.pk, ...binding });
  const attempt = async (address: string) => {
    const visitor = createVisitor(core.url);
    await visitor.flow(slug, undefined, '', from(address));
    await visitor.flow(slug, { uid_field: username }, '', from(address));
    await visitor.flow(slug, { password: testPassword }, '', from(address));
    const me = await visitor.fetch('/api/v3/core/users/me/', { headers: from(address) });
    return { signedIn: me.status === 200, visitor };
  };
  return { username, attempt, signsIn: async (address: string) => (await attempt(address)).signedIn };
}

test('core §14.4: countries and networks let in whom they name, and nobody of whom nothing is known', async () => {
  const british = await guarded({ countries: ['GB'] });
  expect([await british.signsIn(london), await british.signsIn(paris), await british.signsIn(nowhere)]).toEqual([
    true,
    false,
    false,
  ]);
  const either = await guarded({ countries: ['AU'], asns: [64_496] });
  expect([await either.signsIn(paris), await either.signsIn(sydney)]).toEqual([true, true]);
  const open = await guarded({ countries: ['GB'] }, { failure_result: true });
  expect([await open.signsIn(nowhere), await open.signsIn(paris)]).toEqual([true, false]);
});

test('core §14.4: a login too far from earlier ones, or sooner than anybody travels, fails', async () => {
  const near = await guarded({ check_history_distance: true, history_max_distance_km: 500 });
  expect([await near.signsIn(london), await near.signsIn(paris), await near.signsIn(sydney)]).toEqual([
    true,
    true,
    false,
  ]);
  const possible = await guarded({ check_impossible_travel: true });
  expect([await possible.signsIn(london), await possible.signsIn(sydney)]).toEqual([true, false]);
  aheadMs += 20 * 3_600_000;
  expect([await possible.signsIn(sydney), await possible.signsIn(nowhere)]).toEqual([true, false]);
});

test('core §20.1: events and sessions say where, and expressions are told', async () => {
  const { username, attempt } = await guarded({ countries: ['FR'] });
  await attempt(paris);
  const { results } = await core.call<{ results: { context: object; user: { username: string } }[] }>(
    'GET',
    `/events/events/?action=login&username=${username}`,
  );
  expect(results[0]?.context).toMatchObject({
    geo: { continent: 'EU', country: 'FR', lat: 48.85, long: 2.35, city: '' },
    asn: { asn: 64_496, as_org: 'AS 64496', network: '198.51.100.0/24' },
  });
  const sessions = await core.call<{ results: object[] }>(
    'GET',
    `/core/authenticated_sessions/?user__username=${username}`,
  );
  expect(sessions.results[0]).toMatchObject({ geo_ip: { country: 'FR' }, asn: { asn: 64_496 } });
  const { slug } = await makeFlow(core, [await makeStage(core, 'dummy')]);
  const flow = await core.call<{ policybindingmodel_ptr_id: string }>('GET', `/flows/instances/${slug}/`);
  const policy = await core.call<{ pk: string }>('POST', '/policies/expression/', {
    name: uniqueName('expression'),
    expression: 'return context["geoip"]["country"] == "AU" and request.context["asn"]["asn"] == 64511',
  });
  await bind(core, flow.policybindingmodel_ptr_id, { policy: policy.pk });
  const component = async (address: string) =>
    (await createVisitor(core.url).flow(slug, undefined, '', from(address)))['component'];
  expect([await component(sydney), await component(london)]).toEqual(['ak-stage-dummy', 'ak-stage-access-denied']);
});

test('core 51: a session bound to a network or place goes on inside of it, and ends outside or without data', async () => {
  const cases = [
    { login: { network_binding: 'bind_asn' }, other: paris, goesOn: true },
    { login: { network_binding: 'bind_asn' }, other: sydney, goesOn: false },
    { login: { network_binding: 'bind_asn_network' }, other: paris, goesOn: false },
    { login: { network_binding: 'bind_asn_network' }, other: '192.0.2.200', goesOn: true },
    { login: { network_binding: 'bind_asn_network_ip' }, other: '192.0.2.200', goesOn: false },
    { login: { geoip_binding: 'bind_continent' }, other: paris, goesOn: true },
    { login: { geoip_binding: 'bind_continent_country' }, other: paris, goesOn: false },
    { login: { geoip_binding: 'bind_continent' }, other: nowhere, goesOn: false },
  ];
  for (const { login, other, goesOn } of cases) {
    const { attempt } = await guarded({}, {}, login);
    const { visitor, signedIn } = await attempt(london);
    expect(signedIn).toBe(true);
    const me = await visitor.fetch('/api/v3/core/users/me/', { headers: from(other) });
    expect({ login, other, status: me.status }).toEqual({ login, other, status: goesOn ? 200 : 403 });
  }
});

test('core §11: countries are listed and checked, policies name them, and the databases are capabilities', async () => {
  const listed = await core.call<{ code: string; name: string }[]>('GET', '/policies/geoip_iso3166/');
  expect(listed).toContainEqual({ code: 'NL', name: 'Netherlands' });
  const made = await core.call('POST', '/policies/geoip/', { name: uniqueName('geo'), countries: ['NL'] });
  expect(made).toMatchObject({ countries_obj: [{ code: 'NL', name: 'Netherlands' }], asns: [] });
  await expect(core.call('POST', '/policies/geoip/', { name: 'no', countries: ['XX'] })).rejects.toThrow('400');
  const capabilities = async () =>
    (await core.call<{ capabilities: string[] }>('GET', '/root/config/')).capabilities.filter(
      (one) => one !== 'can_save_media',
    );
  expect(await capabilities()).toEqual(expect.arrayContaining(['can_geo_ip', 'can_asn']));
  const { signsIn } = await guarded({ countries: ['GB'] });
  expect(await signsIn(london)).toBe(true);
  await rm(join(folder.path, 'city.mmdb'));
  aheadMs += 10_000;
  expect([await signsIn(london), await capabilities()]).toEqual([false, expect.not.arrayContaining(['can_geo_ip'])]);
});
