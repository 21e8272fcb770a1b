import { expect, test } from 'vitest';
import { app, forwarded } from '../testing/fixture.ts';
import { headerOf, statusOf, testGateway } from '../testing/test-gateway.ts';

const probe = '/outpost.goauthentik.io/userinfo';

for (const mode of ['proxy', 'forward_single'] as const) {
  test(`WISHES P12: a page of an application in mode ${mode} can ask whether its session lives`, async () => {
    await using gateway = await testGateway({ rows: [{ mode }] });
    const headers = { ...forwarded('/'), 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' };
    const stranger = await gateway.send(probe, headers);
    expect([statusOf(stranger), headerOf(stranger, 'www-authenticate')]).toEqual([401, 'Bearer realm="p"']);
    const told = JSON.parse(stranger.kind === 'refused' ? stranger.body : '');
    expect(told).toEqual({
      error: 'unauthenticated',
      login_url: `${app}/outpost.goauthentik.io/start?rd=${encodeURIComponent(`${app}/`)}`,
    });
    const browser = gateway.browser();
    await browser.login('/');
    const answer = await browser.send(probe, headers);
    expect([statusOf(answer), headerOf(answer, 'cache-control')]).toEqual([200, 'no-store']);
    expect(JSON.parse(answer.kind === 'public' ? answer.body : '')).toMatchObject({ preferred_username: 'alice' });
  });
}
