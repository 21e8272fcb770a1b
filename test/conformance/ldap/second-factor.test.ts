// ldap.md §6.3 over the wire: `password;code` against a core that has devices, second factors that are required, and ones that
// are remembered.
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningDaemon } from '../../harness/index.ts';
import { cached, direct, dnOf, ldapFixture, password, startOutpost } from './fixture.ts';
import { WireClient } from './wire-client.ts';

const fixture = ldapFixture();

const bindAt = async (port: number, dn: string, secret: string) => {
  using client = await WireClient.plain(port);
  return await client.bind(dn, secret);
};
const bind = (username: string, secret: string, base = direct) => bindAt(fixture.port, dnOf(username, base), secret);
const flows = () => fixture.gate.calls.filter(({ path }) => path.includes('/flows/')).length;

const pkOf = async (username: string) =>
  (await fixture.core.call<{ results: { pk: number }[] }>('GET', `/core/users/?username=${username}`)).results[0]?.pk ??
  0;

async function giveDevice(username: string, kind: string, settings: object = {}): Promise<number> {
  const { kysely } = fixture.core.deps.database;
  const values = {
    kind,
    user_id: await pkOf(username),
    name: kind,
    confirmed: true,
    settings: JSON.stringify(settings),
  };
  return (await kysely.insertInto('devices').values(values).returning('id').executeTakeFirstOrThrow()).id;
}

async function giveTokens(username: string, ...tokens: string[]): Promise<void> {
  const device = await giveDevice(username, 'static');
  const { kysely } = fixture.core.deps.database;
  await kysely
    .insertInto('static_tokens')
    .values(tokens.map((token) => ({ device_id: device, token })))
    .execute();
}

/** RFC 6238 with SHA-1, six digits, 30 s. */
function totp(key: Buffer): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac('sha1', key).update(counter).digest();
  return String((mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

describe('password;code', () => {
  test('ldap 12: the flow gets the password and the six digits apart', async () => {
    const key = Buffer.from('12345678901234567890');
    await giveDevice('ada', 'totp', { key: key.toString('hex') });
    expect(await bind('ada', password)).toBe(49);
    expect(await bind('ada', `${password};000000`)).toBe(49);
    await fixture.core.deps.database.kysely.updateTable('devices').set({ failures: 0, failed_at: null }).execute();
    expect(await bind('ada', `${password};${totp(key)}`)).toBe(0);
  });

  test('ldap 13: eight letters and digits are a code, seven, eleven or none are part of the password', async () => {
    await giveTokens('grace', '12345678', '1234567', '12345678901');
    for (const typed of ['1234567', '12345678901', '']) expect(await bind('grace', `${password};${typed}`)).toBe(49);
    expect(await bind('grace', `${password};12345678`)).toBe(0);
    expect(await bind('grace', `${password};12345678`)).toBe(49);
  });

  test('ldap 14: the last semicolon counts', async () => {
    const odd = 'a;b long enough';
    await fixture.core.call('POST', `/core/users/${await pkOf('alan')}/set_password/`, { password: odd });
    await giveTokens('alan', 'abcdef12', '12ab56');
    expect(await bind('alan', `${odd};12ab56`)).toBe(49);
    expect(await bind('alan', `${odd};abcdef12`)).toBe(0);
  });

  test('ldap 16: of several devices the one for the typed code is used', async () => {
    await giveDevice('hedy', 'duo');
    await giveTokens('hedy', 'aaaa1111');
    expect(await bind('hedy', `${password};aaaa1111`)).toBe(0);
  });

  test('ldap 17: a device that only a browser can use, or no code, is 49', async () => {
    await giveDevice('tim', 'webauthn');
    await giveTokens('tim', 'unused00');
    expect(await bind('tim', password)).toBe(49);
  });

  test('ldap 15: without MFA support the semicolon is part of the password', async () => {
    const { results } = await fixture.core.call<{ results: { pk: number }[] }>('GET', '/providers/ldap/?name=Direct');
    const provider = `/providers/ldap/${results[0]?.pk}/`;
    await fixture.core.call('POST', `/core/users/${await pkOf('margaret')}/set_password/`, {
      password: 'secret pw;123456',
    });
    expect(await bind('margaret', 'secret pw;123456')).toBe(49);
    await fixture.core.call('PATCH', provider, { mfa_support: false });
    await fixture.refresh();
    expect(await bind('margaret', 'secret pw;123456')).toBe(0);
    await fixture.core.call('PATCH', provider, { mfa_support: true });
    await fixture.refresh();
  });

  test('a bind with a code is remembered for half a minute at most, and only as typed', async () => {
    await giveTokens('radia', 'bbbb2222');
    expect(await bind('radia', `${password};bbbb2222`, cached)).toBe(0);
    const before = flows();
    expect(await bind('radia', `${password};bbbb2222`, cached)).toBe(0);
    expect(flows()).toBe(before);
    expect(await bind('radia', password, cached)).toBe(49);
  });
});

describe('a second factor that is required', () => {
  let outpost: RunningDaemon;
  beforeAll(async () => {
    outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__MFA_REQUIRED: 'direct' });
  });
  afterAll(() => outpost[Symbol.asyncDispose]());
  const at = (username: string, secret: string, base = direct) =>
    bindAt(outpost.bound('ldap').port, dnOf(username, base), secret);

  test('whoever has no device is refused there, and gets in elsewhere', async () => {
    expect(await at('jane', password)).toBe(49);
    expect(await at('jane', password, cached)).toBe(0);
    const reason = outpost.lines.find(({ error }) => String(error).includes('second factor is required'));
    expect(reason).toBeDefined();
  });

  test('codes of any length are recognised', async () => {
    await giveTokens('jane', 'abcdefghijkl');
    expect(await at('jane', `${password};abcdefghijkl`)).toBe(0);
    expect(await at('jane', `${password};abcdefghijkl`)).toBe(49);
  });

  test('the session of a login that was refused for it is ended in the core', async () => {
    const { kysely } = fixture.core.deps.database;
    const user = await pkOf('katherine');
    const sessions = async () =>
      (await kysely.selectFrom('sessions').select('id').where('user_id', '=', user).execute()).length;
    expect(await at('katherine', password)).toBe(49);
    await expect.poll(sessions).toBe(0);
  });
});

test('L20: where the code comes first, `code;password` is the only order, with one meaning whatever the password', async () => {
  await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__MFA_CODE_FIRST: 'direct' });
  const at = (secret: string, base = direct) => bindAt(outpost.bound('ldap').port, dnOf("o'neil, pat", base), secret);
  const odd = 'eeee5555;long enough';
  await fixture.core.call('POST', `/core/users/${fixture.pks.get("o'neil, pat")}/set_password/`, { password: odd });
  await giveTokens("o'neil, pat", 'eeee5555', 'ffff6666', 'ffff7777');
  expect(await at(`${odd};ffff6666`)).toBe(49);
  expect(await at(`ffff6666;${odd}`)).toBe(0);
  // The order of other applications is as it was.
  expect(await at(`ffff7777;${odd}`, cached)).toBe(49);
  expect(await at(`${odd};ffff7777`, cached)).toBe(0);
  // Last, since the core lets nobody try a device again at once.
  expect(await at(`ffff6666;${odd}`)).toBe(49);
  await fixture.core.call('POST', `/core/users/${fixture.pks.get("o'neil, pat")}/set_password/`, { password });
});

describe('a second factor that is remembered', () => {
  let outpost: RunningDaemon;
  beforeAll(async () => {
    outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__MFA_REMEMBER: '1h' });
  });
  afterAll(() => outpost[Symbol.asyncDispose]());
  const at = (username: string, secret: string) => bindAt(outpost.bound('ldap').port, dnOf(username, direct), secret);

  test('the password alone is enough from then on, another password is not, and the core is not asked', async () => {
    await giveTokens('svc', 'cccc3333');
    expect(await at('svc', password)).toBe(49);
    expect(await at('svc', `${password};cccc3333`)).toBe(0);
    const before = flows();
    expect(await at('svc', password)).toBe(0);
    expect(await at('svc', `${password};cccc3333`)).toBe(0);
    expect(flows()).toBe(before);
    expect(await at('svc', 'another password')).toBe(49);
    expect(await at('svc', 'another password;cccc3333')).toBe(49);
  });

  test('from another address the code is asked for', async () => {
    using client = await WireClient.plain(outpost.bound('ldap').port);
    client.write(Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 4711 389\r\n'));
    expect(await client.bind(dnOf('svc', direct), password)).toBe(49);
    expect(await at('svc', password)).toBe(0);
  });

  test('the end of the session in the core ends it', async () => {
    await fixture.core.deps.sessions.endUser(await pkOf('svc'));
    await expect.poll(() => at('svc', password)).toBe(49);
  });
});

test('a second factor is remembered for the time that is set, and no longer', async () => {
  await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__MFA_REMEMBER: '2s' });
  const at = (secret: string) => bindAt(outpost.bound('ldap').port, dnOf('jdoe', direct), secret);
  await giveTokens('jdoe', 'dddd4444');
  expect(await at(`${password};dddd4444`)).toBe(0);
  expect(await at(password)).toBe(0);
  await expect.poll(() => at(password), { timeout: 20_000 }).toBe(49);
  await fixture.core.deps.database.kysely
    .deleteFrom('devices')
    .where('user_id', '=', fixture.pks.get('jdoe') ?? 0)
    .execute();
});

test('guessing is slowed down: the core is not asked any more for a while, who is remembered still gets in', async () => {
  await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__THROTTLE_FAILURES: '3' });
  const { port } = outpost.bound('ldap');
  expect(await bindAt(port, dnOf('jdoe', cached), password)).toBe(0);
  const guesses: number[] = [];
  for (let count = 0; count < 6; count += 1) guesses.push(await bindAt(port, dnOf('jdoe', cached), `guess ${count}`));
  expect(guesses.slice(0, 4)).toEqual([49, 49, 49, 49]);
  expect(guesses.at(-1)).toBe(51);
  expect(await bindAt(port, dnOf('jdoe', cached), password)).toBe(0);
});
