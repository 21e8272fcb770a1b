import { describe, expect, test } from 'vitest';
import { headerOf, statusOf, testGateway } from '../testing/test-gateway.ts';

describe('limits', () => {
  test('§17.18: too many logins of one address wait; a trusted network does not', async () => {
    await using gateway = await testGateway();
    const start = (from: string) => gateway.send('/outpost.goauthentik.io/start', { 'x-forwarded-for': from });
    const statuses = new Set<number>();
    for (let round = 0; round < 30; round++) statuses.add(statusOf(await start('203.0.113.1')));
    expect([...statuses]).toEqual([302]);
    const refused = await start('203.0.113.1');
    expect([statusOf(refused), headerOf(refused, 'retry-after')]).toEqual([429, '2']);
    expect(statusOf(await start('203.0.113.2'))).toBe(302);
    for (let round = 0; round < 40; round++) expect(statusOf(await start('127.0.0.9'))).toBe(302);
  });
  test('§17.18: after ten failed credentials the core is not asked again', async () => {
    await using gateway = await testGateway();
    const attempt = (at: number) =>
      gateway.send('/', { authorization: `Bearer a.b.${at}`, 'x-forwarded-for': '203.0.113.1' });
    for (let at = 0; at < 10; at++) await attempt(at);
    gateway.issuer.active.set('a.b.11', { sub: 'u', exp: 9_999_999_999 });
    expect(statusOf(await attempt(11))).toBe(429);
    expect(gateway.issuer.requests.length).toBe(10);
    await gateway.clock.advance(60_000);
    expect((await attempt(11)).kind).toBe('forward');
  });
});
