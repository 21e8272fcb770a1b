import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { statusOf, type TestGateway, testGateway } from '../testing/test-gateway.ts';

describe('back-channel logout', () => {
  const path = '/outpost.goauthentik.io/backchannel_logout';
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const claims = (gateway: TestGateway) => {
    const iat = Math.floor(gateway.clock.now() / 1000);
    return {
      iss: `${gateway.issuer.url}/application/o/app/`,
      aud: 'abc',
      iat,
      exp: iat + 120,
      jti: `j${Math.random()}`,
      events,
    };
  };
  const post = (gateway: TestGateway, token: string) =>
    gateway.send(path, {}, { method: 'POST', readBody: async () => `logout_token=${token}` });
  test('§17.10: a logout token ends the sessions of its core session, once', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    await browser.login('/');
    const sid = createHash('sha256').update('session-of-alice').digest('hex');
    const token = gateway.issuer.sign({ ...claims(gateway), sid }, { type: 'logout+jwt' });
    expect(statusOf(await post(gateway, token))).toBe(200);
    expect(statusOf(await browser.send('/'))).toBe(302);
    expect(statusOf(await post(gateway, token))).toBe(400);
  });
  test('§17.10: everything else is refused and ends nothing', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    await browser.login('/');
    const good = { ...claims(gateway), sub: 'sub-of-alice' };
    const sign = (given: Record<string, unknown>, options = {}) =>
      gateway.issuer.sign({ ...good, ...given }, { type: 'logout+jwt', ...options });
    for (const token of [
      sign({}, { type: 'JWT' }),
      sign({}, { secret: 'other' }),
      sign({ nonce: 'n' }),
      sign({ events: {} }),
      sign({ aud: 'other' }),
      sign({ iat: good.iat - 3_600 }),
      sign({ sub: undefined }),
      sign({ jti: undefined }),
      '',
    ]) {
      expect(statusOf(await post(gateway, token))).toBe(400);
    }
    expect(statusOf(await gateway.send(path))).toBe(400);
    expect((await browser.send('/')).kind).toBe('forward');
    expect(statusOf(await post(gateway, sign({})))).toBe(200);
    expect(statusOf(await browser.send('/'))).toBe(302);
  });
});
