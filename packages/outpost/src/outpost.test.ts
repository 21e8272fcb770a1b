import { fakeClock } from '@gatehouse/daemon/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitPasswordCode } from './login/mfa-code.ts';
import { solve } from './login/solvers.ts';
import { createRefresher } from './refresher.ts';
import { refreshIntervalMs } from './run.ts';
import { createVerdictCache, type Verdict } from './verdicts/cache.ts';

describe('password;code', () => {
  for (const [typed, password, code] of [
    ['s3cret', 's3cret', undefined],
    ['s3cret;123456', 's3cret', '123456'],
    ['s3cret;12345678', 's3cret', '12345678'],
    ['s3cret;abcd1234', 's3cret', 'abcd1234'],
    ['a;b;123456', 'a;b', '123456'],
    ['s3cret;', 's3cret;', undefined],
    ['s3cret;12345', 's3cret;12345', undefined],
    ['s3cret;abcdef', 's3cret;abcdef', undefined],
    ['s3cret;1234567890', 's3cret;1234567890', undefined],
    [';123456', '', '123456'],
    ['pw;+12345', 'pw;+12345', undefined],
    ['a;b;abcdef12', 'a;b', 'abcdef12'],
  ] as const) {
    test(`flow-executor 8–10, ldap 12–14: "${typed}"`, () =>
      expect(splitPasswordCode(typed, { mfaSupport: true })).toEqual({ password, code }));
  }

  test('F7: where a code is required, it may have any length, and there is always one split', () => {
    const required = { mfaSupport: true, mfaRequired: true };
    expect(splitPasswordCode('pw;123456789012', required)).toEqual({ password: 'pw', code: '123456789012' });
    expect(splitPasswordCode('pw;abcdef', { mfaSupport: false, mfaRequired: true })).toEqual({
      password: 'pw',
      code: 'abcdef',
    });
    expect(splitPasswordCode('pw;', required)).toEqual({ password: 'pw;', code: undefined });
  });

  for (const [typed, password, code] of [
    ['123456;s3cret', 's3cret', '123456'],
    ['abcd1234;s3cret', 's3cret', 'abcd1234'],
    ['123456;a;b', 'a;b', '123456'],
    ['123456;', '', '123456'],
    ['s3cret;123456', 's3cret;123456', undefined],
    [';s3cret', ';s3cret', undefined],
    ['12345;s3cret', '12345;s3cret', undefined],
    ['s3cret', 's3cret', undefined],
  ] as const)
    test(`with the code first, "${typed}" has one meaning`, () =>
      expect(splitPasswordCode(typed, { mfaSupport: true, codeFirst: true })).toEqual({ password, code }));

  test('whatever the password, both orders give it back with its code', () =>
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^[A-Za-z0-9]{8}$/), (password, code) => {
        const form = { mfaSupport: true };
        expect(splitPasswordCode(`${password};${code}`, form)).toEqual({ password, code });
        expect(splitPasswordCode(`${code};${password}`, { ...form, codeFirst: true })).toEqual({ password, code });
      }),
    ));

  test('ldap 15: without MFA support both answers are the whole text', () => {
    expect(splitPasswordCode('pw;123456', { mfaSupport: false })).toEqual({ password: 'pw;123456', code: 'pw;123456' });
  });
});

describe('solvers', () => {
  const devices = (...classes: string[]) => ({
    component: 'ak-stage-authenticator-validate',
    device_challenges: classes.map((device_class, at) => ({
      device_class,
      device_uid: String(at + 4),
      challenge: {},
      last_used: null,
    })),
  });
  const solved = (challenge: Parameters<typeof solve>[0], code?: string) =>
    solve(challenge, 'alice', { password: 'pw', code });

  test('flow-executor 7, F19: the password goes to identification only where it is asked for', () => {
    expect(solved({ component: 'ak-stage-identification', password_fields: true })).toMatchObject({
      body: { uid_field: 'alice', password: 'pw' },
    });
    expect(solved({ component: 'ak-stage-identification', password_fields: false })).toEqual({
      kind: 'answer',
      body: { component: 'ak-stage-identification', uid_field: 'alice' },
    });
  });
  test('flow-executor 11: a code answers the offered TOTP device, echoed whole', () => {
    const solution = solved(devices('totp'), '123456');
    expect(solution).toEqual({
      kind: 'answer',
      body: {
        component: 'ak-stage-authenticator-validate',
        selected_challenge: { device_class: 'totp', device_uid: '4', challenge: {}, last_used: null },
        code: '123456',
      },
    });
  });
  test('flow-executor 12: Duo without a code is an integer; ldap 16: a typed code beats Duo', () => {
    expect(solved(devices('duo'))).toMatchObject({ body: { duo: 4 } });
    expect(solved(devices('duo', 'totp'), '123456')).toMatchObject({
      body: { code: '123456', selected_challenge: { device_class: 'totp' } },
    });
  });
  test('flow-executor 13, ldap 17: WebAuthn only, or a code device without a code, cannot be answered', () => {
    expect(solved(devices('webauthn'), '123456')).toEqual({ kind: 'mfa_required' });
    expect(solved(devices('totp'))).toEqual({ kind: 'mfa_required' });
  });
  test('F6: a code that was sent goes out alone; one is only sent where that is allowed', () => {
    expect(solved(devices('sms'), '123456')).toEqual({
      kind: 'answer',
      body: { component: 'ak-stage-authenticator-validate', code: '123456' },
    });
    expect(solved(devices('email', 'webauthn'))).toEqual({ kind: 'mfa_required' });
    const sending = solve(devices('email'), 'alice', { password: 'pw', code: undefined }, true);
    expect(sending).toMatchObject({
      kind: 'send_code',
      by: 'email',
      body: { selected_challenge: { device_class: 'email' } },
    });
  });
  test('flow-executor 14, 17: login is answered, unknown components are not', () => {
    expect(solved({ component: 'ak-stage-user-login' })).toMatchObject({ body: { remember_me: true } });
    for (const component of ['ak-stage-flow-error', 'ak-stage-prompt', 'nonsense'])
      expect(solved({ component })).toEqual({ kind: 'unanswerable' });
  });
});

describe('verdict cache', () => {
  const verdict = (userPk: number): Verdict => ({
    userPk,
    sessionId: `s${userPk}`,
    providerPk: 1,
    expiresAtMs: undefined,
  });
  const key = (identity: string, secret = 'pw') => ({ providerPk: 1, identity, secret });
  const start = () => {
    const clock = fakeClock();
    const cache = createVerdictCache<Verdict>({ clock, maxEntries: 100 });
    const learn = (identity: string, userPk: number, lifeMs = 10_000) =>
      cache.resolve(
        key(identity),
        async () => 'ok',
        () => ({ verdict: verdict(userPk), lifeMs }),
      );
    return { clock, cache, learn };
  };

  test('ldap 24: a second equal attempt is answered from memory, another password is not', async () => {
    const { cache, learn } = start();
    await learn('alice', 1);
    expect(cache.find(key('alice'))?.userPk).toBe(1);
    expect(cache.find(key('alice', 'other'))).toBeUndefined();
    expect(cache.find({ ...key('alice'), providerPk: 2 })).toBeUndefined();
  });

  test('no more is remembered than was allowed: whoever was not asked for the longest goes first', () => {
    const { cache } = start();
    for (let at = 0; at < 250; at += 1) {
      cache.remember(key(`user ${at}`), verdict(at), 10_000);
      cache.find(key('user 0'));
    }
    const known = Array.from({ length: 250 }, (_, at) => at).filter(
      (at) => cache.find(key(`user ${at}`)) !== undefined,
    );
    expect(known).toEqual([0, ...Array.from({ length: 99 }, (_, at) => 151 + at)]);
    expect(cache.size).toBe(100);
  });

  test('core 23.2: what the core tells of changes ends the logins that it concerns', async () => {
    const { cache, learn } = start();
    for (const [at, name] of ['alice', 'bob', 'carol'].entries()) await learn(name, at + 1);
    const known = () => ['alice', 'bob', 'carol'].filter((name) => cache.find(key(name)) !== undefined);
    cache.dropChanged({ all: false, access: false, users: [2, 9] });
    expect(known()).toEqual(['alice', 'carol']);
    cache.dropChanged({ all: false, access: true, users: [] });
    expect(known()).toEqual([]);
  });

  test('ldap 28: fifty equal attempts at once ask once', async () => {
    const { cache } = start();
    let asked = 0;
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        cache.resolve(
          key('alice'),
          async () => ++asked,
          () => undefined,
        ),
      ),
    );
    expect([asked, new Set(answers).size]).toEqual([1, 1]);
  });

  test('ldap 25: a refusal is not remembered; a fault reaches all who waited and nobody later', async () => {
    const { cache } = start();
    await cache.resolve(
      key('alice'),
      async () => 'refused',
      () => undefined,
    );
    expect(cache.size).toBe(0);
    await expect(
      cache.resolve(
        key('alice'),
        async () => Promise.reject(new Error('down')),
        () => undefined,
      ),
    ).rejects.toThrow('down');
    expect(
      await cache.resolve(
        key('alice'),
        async () => 'up',
        () => undefined,
      ),
    ).toBe('up');
  });

  test('ldap 26: life, the end of the session, and the ceiling all end it', async () => {
    const { cache, clock, learn } = start();
    await learn('alice', 1, 10_000);
    await clock.advance(9_999);
    expect(cache.find(key('alice'))).toBeDefined();
    await clock.advance(1);
    expect(cache.find(key('alice'))).toBeUndefined();
    await cache.resolve(
      key('bob'),
      async () => '',
      () => ({ verdict: { ...verdict(2), expiresAtMs: clock.now() + 50 }, lifeMs: 10_000 }),
    );
    await clock.advance(50);
    expect(cache.find(key('bob'))).toBeUndefined();
    await learn('carol', 3);
    cache.setCeiling(1_000);
    await clock.advance(1_000);
    expect(cache.find(key('carol'))).toBeUndefined();
  });

  test('ldap 27: dropping by user, session and provider takes exactly theirs', async () => {
    const { cache, learn } = start();
    await learn('alice', 1);
    await learn('bob', 2);
    await learn('carol', 3);
    cache.dropUser(1);
    cache.dropSession('s2');
    expect([cache.find(key('alice')), cache.find(key('bob')), cache.find(key('carol'))?.userPk]).toEqual([
      undefined,
      undefined,
      3,
    ]);
    cache.dropProvider(1);
    expect(cache.size).toBe(0);
  });

  test('what was dropped while the core was asked is not remembered', async () => {
    const { cache } = start();
    await cache.resolve(
      key('alice'),
      async () => cache.dropUser(1),
      () => ({ verdict: verdict(1), lifeMs: 10_000 }),
    );
    expect(cache.find(key('alice'))).toBeUndefined();
  });

  test('two different attempts never share an entry', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(fc.string(), fc.string()),
        fc.tuple(fc.string(), fc.string()),
        async ([name, secret], [otherName, otherSecret]) => {
          if (name === otherName && secret === otherSecret) return;
          const { cache } = start();
          await cache.resolve(
            key(name, secret),
            async () => '',
            () => ({ verdict: verdict(1), lifeMs: 1000 }),
          );
          expect(cache.find(key(otherName, otherSecret))).toBeUndefined();
        },
      ),
    );
  });
});

test('core-contract B5: fifty triggers during a refresh cause one more, and each resolves after its state was read', async () => {
  let runs = 0;
  const refresher = createRefresher(async () => {
    runs += 1;
    await new Promise((resolve) => setImmediate(resolve));
  });
  await Promise.all(Array.from({ length: 50 }, () => refresher.request()));
  expect(runs).toBe(2);
  await refresher.request();
  expect(runs).toBe(3);
});

for (const [given, expected] of [
  [0, 300],
  [-1, 300],
  [5, 30],
  [29, 30],
  [30, 30],
  [60, 60],
  [Number.NaN, 300],
] as const) {
  test(`core-contract 20: refresh_interval_s ${given} is ${expected} s`, () =>
    expect(refreshIntervalMs(given)).toBe(expected * 1000));
}
