import { describe, expect, test } from 'vitest';
import { app, isRedirectTo } from './testing/fixture.ts';
import { headerOf, statusOf, testGateway } from './testing/test-gateway.ts';

describe('hosts', () => {
  test('proxy 1, 2: ping and static answer for every host', async () => {
    await using gateway = await testGateway({ rows: [{}, { external_host: 'https://b.company', name: 'q' }] });
    for (const method of ['GET', 'POST', 'HEAD']) {
      const answer = await gateway.send('/outpost.goauthentik.io/ping', { host: 'any' }, { method });
      expect(answer).toMatchObject({ status: 204, body: '' });
    }
    expect(statusOf(await gateway.send('/outpost.goauthentik.io/pingxyz'))).toBe(204);
    expect(statusOf(await gateway.send('/outpost.goauthentik.io/static/nothing'))).toBe(404);
    expect(statusOf(await gateway.send('/outpost.goauthentik.io/static/dist/'))).toBe(404);
  });
  test('proxy 3: an unknown host gets the documented JSON, and the log names the nearest', async () => {
    await using gateway = await testGateway({ rows: [{}, { external_host: 'https://b.company', name: 'q' }] });
    const answer = await gateway.send('/', { host: 'apps.company' });
    expect(answer).toMatchObject({
      status: 400,
      body: `{\n\t"Message": "no app for hostname",\n\t"Host": "apps.company",\n\t"Detail": "Check the outpost settings and make sure 'apps.company' is included."\n}\n`,
    });
    expect(headerOf(answer, 'content-type')).toBe('application/json');
    expect(headerOf(answer, 'x-outpost-reason')).toBe('no_app_for_hostname');
    expect(gateway.log.lines.find((line) => line.event === 'no app for hostname')?.['hint']).toContain('app.company');
  });
  test('proxy 4, 5: the only application takes any host; X-Forwarded-Host of a trusted peer selects', async () => {
    await using gateway = await testGateway();
    expect(statusOf(await gateway.send('/', { host: 'nope.company' }))).toBe(302);
    gateway.load([{}, { external_host: 'https://b.company', name: 'q', client_id: 'other' }]);
    const answer = await gateway.send('/', { host: '10.0.0.1:9000', 'x-forwarded-host': 'app.company' });
    expect(isRedirectTo(headerOf(answer, 'location'), app)).toBe(true);
  });
  test('§2.6: X-Forwarded-Host of an untrusted peer is not believed in proxy mode', async () => {
    await using gateway = await testGateway({ rows: [{}, { external_host: 'https://b.company', name: 'q' }] });
    const answer = await gateway.send(
      '/',
      { host: 'b.company', 'x-forwarded-host': 'app.company' },
      { peer: '8.8.8.8' },
    );
    expect(isRedirectTo(headerOf(answer, 'location'), 'https://b.company/')).toBe(true);
  });
});
