import { describe, expect, test } from 'vitest';
import { statusOf, type TestGateway, testGateway } from '../testing/test-gateway.ts';

describe('header authentication', () => {
  const active = (gateway: TestGateway, token: string, claims: Record<string, unknown> = {}) =>
    gateway.issuer.active.set(token, {
      sub: 'u',
      preferred_username: 'bot',
      exp: Math.floor(gateway.clock.now() / 1000) + 3_600,
      ...claims,
    });
  const calls = (gateway: TestGateway, path: string) =>
    gateway.issuer.requests.filter((request) => request.path.endsWith(path));
  test('proxy 81, 83, 87: one introspection, a session, and memory for a minute', async () => {
    await using gateway = await testGateway();
    active(gateway, 'a.b.c');
    const headers = { authorization: 'Bearer a.b.c' };
    const answers = await Promise.all(Array.from({ length: 50 }, () => gateway.send('/', headers)));
    expect(answers.every((answer) => answer.kind === 'forward' && answer.authentication.usedAuthorization)).toBe(true);
    expect(
      answers.filter((answer) => answer.kind === 'forward' && answer.authentication.setCookie !== undefined).length,
    ).toBe(1);
    expect(Object.fromEntries(calls(gateway, '/introspect/')[0]?.form ?? [])).toMatchObject({
      client_id: 'abc',
      token: 'a.b.c',
    });
    expect(calls(gateway, '/introspect/').length).toBe(1);
    await gateway.clock.advance(59_000);
    await gateway.send('/', headers);
    expect(calls(gateway, '/introspect/').length).toBe(1);
    await gateway.clock.advance(2_000);
    await gateway.send('/', headers);
    expect(calls(gateway, '/introspect/').length).toBe(2);
  });
  test('core.md §23.2: what the core says it has changed is asked for anew, once a second at most', async () => {
    await using gateway = await testGateway();
    const ask = () => gateway.send('/', { authorization: 'Bearer a.b.c' });
    active(gateway, 'a.b.c', { groups: ['old'] });
    await ask();
    active(gateway, 'a.b.c', { groups: ['new'] });
    gateway.engine.coreChanged();
    const answer = await ask();
    expect(answer.kind === 'forward' ? answer.allow.identity?.claims.groups : undefined).toEqual(['new']);
    for (let round = 0; round < 5; round++) {
      gateway.engine.coreChanged();
      await ask();
    }
    expect(calls(gateway, '/introspect/').length).toBe(2);
    gateway.issuer.active.clear();
    await gateway.clock.advance(1_000);
    expect(statusOf(await ask())).toBe(401);
  });
  test('§11.2: a token that only says to be ours is refused without asking the core; a good one is asked about', async () => {
    await using gateway = await testGateway();
    const iss = `${gateway.issuer.url}/application/o/app/`;
    const exp = Math.floor(gateway.clock.now() / 1000) + 600;
    const good = gateway.issuer.sign({ iss, aud: 'abc', sub: 'u', exp });
    for (const token of [
      gateway.issuer.sign({ iss, aud: 'abc', sub: 'u', exp }, { secret: 'other' }),
      gateway.issuer.sign({ iss, aud: 'other', sub: 'u', exp }),
      gateway.issuer.sign({ iss, aud: 'abc', sub: 'u', exp: exp - 3_600 }),
      gateway.issuer.sign({ iss, aud: 'abc', sub: 'u', exp }, { algorithm: 'none' }),
    ]) {
      expect(statusOf(await gateway.send('/', { authorization: `Bearer ${token}` }))).toBe(401);
    }
    expect(calls(gateway, '/introspect/')).toEqual([]);
    expect(statusOf(await gateway.send('/', { authorization: `Bearer ${good}` }))).toBe(401);
    active(gateway, good);
    await gateway.clock.advance(5_000);
    expect((await gateway.send('/', { authorization: `Bearer ${good}` })).kind).toBe('forward');
    const federated = gateway.issuer.sign({ iss: 'https://other/', aud: 'other', sub: 'm', exp }, { secret: 'theirs' });
    active(gateway, federated);
    expect((await gateway.send('/', { authorization: `Bearer ${federated}` })).kind).toBe('forward');
  });
  test('proxy 82: inactive, failing and garbled introspections are no login', async () => {
    await using gateway = await testGateway();
    const attempt = async (token: string) => statusOf(await gateway.send('/', { authorization: `Bearer ${token}` }));
    expect(await attempt('x.y.z')).toBe(401);
    gateway.issuer.faults.set('introspect', { status: 500, body: '{"active":true,"sub":"u","exp":9999999999}' });
    expect(await attempt('x.y.1')).toBe(401);
    gateway.issuer.faults.set('introspect', { status: 200, body: 'garbage' });
    expect(await attempt('x.y.2')).toBe(401);
    expect(await attempt('')).toBe(401);
  });
  test('proxy 85, 86: an app password by the client credentials grant; the token user falls back to it', async () => {
    await using gateway = await testGateway();
    gateway.issuer.appPasswords.set('alice', 'app-pw').set('goauthentik.io/token', 'fallback');
    const basic = (user: string, password: string) => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` });
    const answer = await gateway.send('/', basic('alice', 'app-pw'));
    expect(answer.kind === 'forward' && answer.allow.identity?.claims.preferredUsername).toBe('alice');
    const form = calls(gateway, '/token/')[0]?.form;
    expect([form?.get('grant_type'), form?.has('client_secret')]).toEqual(['client_credentials', false]);
    expect(statusOf(await gateway.send('/', basic('alice', 'wrong')))).toBe(401);
    active(gateway, 't.o.k');
    expect((await gateway.send('/', basic('goauthentik.io/token', 't.o.k'))).kind).toBe('forward');
    expect((await gateway.send('/', basic('goauthentik.io/token', 'fallback'))).kind).toBe('forward');
  });
  test('proxy 88: a session of a token lives no longer than the token', async () => {
    await using gateway = await testGateway();
    active(gateway, 'a.b.c', { exp: Math.floor(gateway.clock.now() / 1000) + 300 });
    const answer = await gateway.send('/', { authorization: 'Bearer a.b.c' });
    const cookie = answer.kind === 'forward' ? answer.authentication.setCookie : '';
    expect(Number(/Max-Age=(\d+)/.exec(cookie ?? '')?.[1])).toBeLessThanOrEqual(300);
  });
  test('proxy 89: with a session the header is not looked at and goes on', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    await browser.login('/');
    const answer = await browser.send('/', { authorization: 'Bearer x.y.z' });
    expect(answer.kind === 'forward' && answer.authentication.usedAuthorization).toBe(false);
    expect(calls(gateway, '/introspect/')).toEqual([]);
  });
  test('CVE-2024-47077: what is remembered for one application is nothing to another', async () => {
    await using gateway = await testGateway({
      rows: [{}, { external_host: 'https://b.company', name: 'q', client_id: 'b', client_secret: 'other' }],
    });
    active(gateway, 'a.b.c');
    expect((await gateway.send('/', { authorization: 'Bearer a.b.c' })).kind).toBe('forward');
    expect(statusOf(await gateway.send('/', { host: 'b.company', authorization: 'Bearer a.b.c' }))).toBe(401);
  });
});
