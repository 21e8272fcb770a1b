import { describe, expect, test } from 'vitest';
import { app } from '../testing/fixture.ts';
import { headerOf, statusOf, testGateway } from '../testing/test-gateway.ts';

describe('proxy mode without a session', () => {
  test('proxy 16, 17, 19: 302 to start with the whole target, byte for byte', async () => {
    await using gateway = await testGateway();
    const location = async (target: string) => headerOf(await gateway.send(target), 'location');
    expect(await location('/foo/bar')).toBe(
      `${app}/outpost.goauthentik.io/start?rd=https%3A%2F%2Fapp.company%2Ffoo%2Fbar`,
    );
    const withQuery = new URL((await location('/foo?x=1&y=a%20b')) ?? '');
    expect(withQuery.searchParams.get('rd')).toBe(`${app}/foo?x=1&y=a%20b`);
    expect(await location('/api/queues/%2F/x')).toContain('%252F');
  });
  test('proxy 18: the path of Ext stays in front', async () => {
    await using gateway = await testGateway({ rows: [{ external_host: `${app}/sub` }] });
    expect(headerOf(await gateway.send('/foo'), 'location')).toBe(
      `${app}/sub/outpost.goauthentik.io/start?rd=https%3A%2F%2Fapp.company%2Fsub%2Ffoo`,
    );
  });
  test('proxy 20, 21: a bad Authorization is 401 with intercept on, a redirect with it off', async () => {
    await using gateway = await testGateway();
    const refused = await gateway.send('/', { authorization: 'Bearer bad' });
    expect([statusOf(refused), headerOf(refused, 'location')]).toEqual([401, undefined]);
    expect(refused.kind === 'refused' && refused.body.includes('Receive header authentication')).toBe(true);
    expect(headerOf(refused, 'www-authenticate')).toContain('Bearer');
    gateway.load([{ intercept_header_auth: false }]);
    expect(statusOf(await gateway.send('/', { authorization: 'Bearer bad' }))).toBe(302);
  });
  test('proxy 22, 23: what is no navigation gets 401 with the login URL; strict redirects', async () => {
    await using gateway = await testGateway();
    await using strict = await testGateway({ strict: true });
    const upgrade = { upgrade: 'websocket', connection: 'Upgrade' };
    for (const headers of [
      { 'sec-fetch-mode': 'cors' },
      { 'x-requested-with': 'XMLHttpRequest' },
      { accept: 'application/json' },
      upgrade,
      { 'sec-websocket-key': 'dGVzdA==' },
    ]) {
      const answer = await gateway.send('/api?x=1', headers);
      expect([statusOf(answer), headerOf(answer, 'location')]).toEqual([401, undefined]);
      expect(answer.kind === 'refused' && JSON.parse(answer.body)).toMatchObject({
        error: 'unauthenticated',
        login_url: headerOf(answer, 'x-outpost-location'),
      });
      expect(headerOf(answer, 'www-authenticate')).toBe('Bearer realm="p"');
      expect(new URL(headerOf(answer, 'x-outpost-location') ?? '').searchParams.get('rd')).toBe(`${app}/api?x=1`);
      expect(statusOf(await strict.send('/api', headers))).toBe(302);
    }
  });
  test('proxy 24: a thousand anonymous requests leave nothing behind', async () => {
    await using gateway = await testGateway();
    for (let round = 0; round < 1_000; round++) {
      const answer = await gateway.send(round % 2 === 0 ? '/' : '/outpost.goauthentik.io/start');
      expect(statusOf(answer)).toBe(302);
    }
    expect(await gateway.store.count()).toBe(0);
  });
});
