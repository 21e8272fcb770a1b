import { describe, expect, test } from 'vitest';
import { app, forwarded, nginx, traefik } from '../testing/fixture.ts';
import { headerOf, statusOf, testGateway } from '../testing/test-gateway.ts';

const keySetCalls = ({ requests }: { requests: readonly { path: string }[] }) =>
  requests.filter(({ path }) => path.endsWith('/jwks/')).length;

describe('the core is away', () => {
  test('proxy 109: known sessions go on until their limit, new logins get 503 with Retry-After', async () => {
    await using gateway = await testGateway();
    gateway.issuer.lifeS = 600;
    const browser = gateway.browser();
    await browser.login('/');
    await gateway.issuer[Symbol.asyncDispose]();
    gateway.engine.liveness.channel(false);
    const answer = await gateway.send('/outpost.goauthentik.io/start?rd=/x');
    expect([statusOf(answer), headerOf(answer, 'retry-after')]).toEqual([503, '10']);
    expect(answer.kind === 'refused' && answer.body).toContain('The login server does not answer');
    expect((await browser.send('/')).kind).toBe('forward');
    await gateway.clock.advance(599_000);
    expect((await browser.send('/')).kind).toBe('forward');
    await gateway.clock.advance(1_000);
    expect(headerOf(await browser.send('/'), 'location')).toContain(`${app}/outpost.goauthentik.io/start`);
    expect(statusOf(await browser.send('/outpost.goauthentik.io/start'))).toBe(503);
  });
  test('in the forward modes as well; nginx is sent to the page that says so', async () => {
    await using gateway = await testGateway({ rows: [{ mode: 'forward_single' }] });
    await gateway.issuer[Symbol.asyncDispose]();
    gateway.engine.liveness.channel(false);
    expect(statusOf(await gateway.send(traefik, forwarded('/x')))).toBe(503);
    expect(statusOf(await gateway.send('/outpost.goauthentik.io/auth/envoy/x'))).toBe(503);
    const told = await gateway.send(nginx, { 'x-original-url': `${app}/x` });
    const { pathname, search } = new URL(headerOf(told, 'x-outpost-location') ?? '');
    expect([statusOf(told), statusOf(await gateway.send(pathname + search))]).toEqual([401, 503]);
  });
  test('a channel that is closed while the core answers keeps nobody out; the core is asked once for many', async () => {
    await using gateway = await testGateway();
    gateway.engine.liveness.channel(false);
    const start = () => gateway.send('/outpost.goauthentik.io/start');
    const answers = await Promise.all(Array.from({ length: 20 }, start));
    expect([...new Set(answers.map(statusOf))]).toEqual([302]);
    expect(keySetCalls(gateway.issuer)).toBe(1);
    gateway.issuer.faults.set('jwks', { status: 503 }); // a core that starts
    expect(statusOf(await start())).toBe(302);
    await gateway.clock.advance(2_000);
    expect(statusOf(await start())).toBe(503);
    gateway.engine.liveness.channel(true);
    expect(statusOf(await start())).toBe(302);
    expect(keySetCalls(gateway.issuer)).toBe(2);
  });
});
