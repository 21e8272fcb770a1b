// Wi-Fi secrets and asserted logins of RADIUS outposts: off by default, generated, rotated, and never a way to anything else.
import { ntHash } from '@gatehouse/wire/mschap';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestCore, type TestCore } from '../testing/index.ts';

interface Token {
  readonly identifier: string;
  readonly intent: string;
}
let core: TestCore;
let outpost: string;
let provider: number;
beforeAll(async () => {
  core = await startTestCore();
  outpost = await core.outpostToken('radius');
  const { results } = await core.call<{ results: { pk: number }[] }>('GET', '/providers/radius/');
  provider = results[0]?.pk ?? 0;
});
afterAll(async () => core[Symbol.asyncDispose]());

const ask = async (method: string, path: string, token: string, body?: unknown) => {
  const response = await fetch(`${core.url}api/v3${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
};
const secretsOf = (username: string) =>
  ask('GET', `/outposts/radius/${provider}/wifi_secrets/?username=${username}`, outpost);
const assertLogin = (body: object) => ask('POST', `/outposts/radius/${provider}/assert_login/`, outpost, body);
const newSecret = (identifier: string) =>
  ask('POST', '/core/tokens/', core.adminToken, { identifier, intent: 'wifi_secret' });

describe.sequential('Wi-Fi secrets', () => {
  test('off by default: none can be made, and an outpost gets neither hashes nor asserted logins', async () => {
    expect(await newSecret('phone')).toMatchObject({ status: 400, body: { intent: [expect.stringContaining('off')] } });
    expect((await secretsOf('akadmin')).status).toBe(403);
    expect((await assertLogin({ username: 'akadmin', method: 'wifi_secret' })).status).toBe(403);
    expect((await assertLogin({ username: 'akadmin', method: 'certificate' })).status).toBe(403);
  });

  test('switched on: a secret is generated, and the outpost gets its NT hash only', async () => {
    await core.call('PATCH', `/providers/radius/${provider}/`, { wifi_secrets: true });
    const made = await core.call<Token>('POST', '/core/tokens/', {
      identifier: 'phone',
      intent: 'wifi_secret',
      key: 'chosen',
    });
    expect(made).toMatchObject({ intent: 'wifi_secret', expiring: false });
    const { key } = await core.call<{ key: string }>('GET', '/core/tokens/phone/view_key/');
    expect(key).toMatch(/^[a-km-np-z2-9]{20}$/);
    const { status, body } = await secretsOf('akadmin');
    expect([status, body.secrets.length, body.secrets[0].nt_hash]).toEqual([200, 1, ntHash(key).toString('hex')]);
    expect(JSON.stringify(body)).not.toContain(key);
    expect((await secretsOf('nobody')).body).toEqual({ secrets: [] });
  });

  test('it is no API token, and cannot be set or turned into one', async () => {
    const { key } = await core.call<{ key: string }>('GET', '/core/tokens/phone/view_key/');
    expect((await ask('GET', '/core/users/me/', key)).status).toBe(403);
    expect((await ask('POST', '/core/tokens/phone/set_key/', core.adminToken, { key: 'password' })).status).toBe(400);
    expect((await ask('PATCH', '/core/tokens/phone/', core.adminToken, { intent: 'api' })).status).toBe(400);
  });

  test('an asserted login makes a session of the user without a cookie; certificates have a switch of their own', async () => {
    const secret = (await secretsOf('akadmin')).body.secrets[0].pk;
    const { status, body } = await assertLogin({ username: 'akadmin', method: 'wifi_secret', wifi_secret: secret });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      access: { passing: true },
      user: { username: 'akadmin' },
      session: { id: expect.stringMatching(/^[\da-f]{64}$/) },
    });
    expect((await assertLogin({ username: 'nobody', method: 'wifi_secret' })).body.access.passing).toBe(false);
    expect((await assertLogin({ username: 'akadmin', method: 'certificate' })).status).toBe(403);
  });

  test('explain: what a login would get, without one', async () => {
    const path = `/outposts/radius/${provider}/explain/?username=`;
    const { status, body } = await ask('GET', `${path}akadmin`, outpost);
    expect([status, body.access.passing, body.user.username]).toEqual([200, true, 'akadmin']);
    expect((await ask('GET', `${path}nobody`, outpost)).body).toMatchObject({ access: { passing: false }, user: null });
  });

  test('rotation: another secret, and the logins of the old one are over', async () => {
    const before = (await secretsOf('akadmin')).body.secrets[0];
    const { body } = await assertLogin({ username: 'akadmin', method: 'wifi_secret', wifi_secret: before.pk });
    const sessions = async () =>
      core.deps.database.kysely.selectFrom('sessions').select('id').where('id', '=', body.session.id).execute();
    expect(await sessions()).toHaveLength(1);
    const { key } = await core.call<{ key: string }>('POST', '/core/tokens/phone/rotate/');
    const after = (await secretsOf('akadmin')).body.secrets[0];
    expect([after.pk, after.nt_hash]).toEqual([before.pk, ntHash(key).toString('hex')]);
    expect(after.nt_hash).not.toBe(before.nt_hash);
    expect(await sessions()).toEqual([]);
  });

  test('a deleted secret, and a provider switched off again, are of no use', async () => {
    await core.call('DELETE', '/core/tokens/phone/');
    expect((await secretsOf('akadmin')).body).toEqual({ secrets: [] });
    await core.call('PATCH', `/providers/radius/${provider}/`, { wifi_secrets: false });
    expect((await secretsOf('akadmin')).status).toBe(403);
  });
});
