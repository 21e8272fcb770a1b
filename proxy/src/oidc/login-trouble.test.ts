// WISHES P1: whatever keeps a login from holding, the page and the log line name it.
import { describe, expect, test } from 'vitest';
import { app, cookieName, forwarded, traefik } from '../testing/fixture.ts';
import { headerOf, statusOf, type TestGateway, type TestOptions, testGateway } from '../testing/test-gateway.ts';

interface Round {
  readonly options?: TestOptions;
  /** Settings of the issuer. */
  readonly given?: (gateway: TestGateway) => void;
  /** What the reverse proxy tells of each request. */
  readonly asked?: { readonly scheme?: 'http' | 'https'; readonly host?: string };
  /** Whether the browser keeps no session, or nothing at all. */
  readonly keeps?: 'all but the session' | 'nothing';
}

/** Goes round until something else than a redirect comes; at most ten times. */
async function until({ options = {}, given, asked = {}, keeps }: Round, gateway: TestGateway) {
  given?.(gateway);
  const browser = gateway.browser();
  const { scheme = 'https', host = 'app.company' } = asked;
  let rounds = 0;
  for (; rounds < 10; rounds++) {
    const isForward = options.rows?.[0]?.mode === 'forward_domain';
    const target = isForward ? traefik : '/outpost.goauthentik.io/start?rd=/x';
    const headers = isForward ? forwarded('/x', host) : { host };
    const started = await browser.send(target, headers, { scheme });
    if (statusOf(started) !== 302) return { answer: started, rounds };
    let answer = started;
    for (let bounce = 0; bounce < 4 && headerOf(answer, 'location')?.startsWith(gateway.issuer.url); bounce++) {
      if (keeps === 'nothing') browser.cookies.clear();
      const back = await fetch(headerOf(answer, 'location') ?? '', { redirect: 'manual' });
      const { pathname, search } = new URL(back.headers.get('location') ?? '');
      answer = await browser.send(pathname + search, { host }, { scheme });
    }
    if (statusOf(answer) !== 302) return { answer, rounds };
    browser.cookies.delete(cookieName);
  }
  throw new Error('round for ever');
}

const inSeconds = (gateway: TestGateway, seconds: number) => Math.floor(gateway.clock.now() / 1000) + seconds;

const cases: Readonly<Record<string, readonly [cause: string, told: string, round: Round]>> = {
  'a Secure cookie over plain http': [
    'scheme',
    'this request came over http',
    { keeps: 'nothing', asked: { scheme: 'http' } },
  ],
  'sessions of some seconds': [
    'clock',
    'Sessions of this provider last 30 s',
    { options: { rows: [{ access_token_validity: 30 }] } },
  ],
  'a core whose clock is behind': [
    'clock',
    'the last one had -30 s left',
    { given: (gateway) => (gateway.issuer.tokenClaims = { exp: inSeconds(gateway, -30) }) },
  ],
  'a core whose clock is far behind': [
    'clock',
    'the token is over',
    { given: (gateway) => (gateway.issuer.tokenClaims = { exp: inSeconds(gateway, -3_600) }) },
  ],
  'a core whose clock is ahead': [
    'clock',
    'the token is not good yet',
    { given: (gateway) => (gateway.issuer.tokenClaims = { nbf: inSeconds(gateway, 3_600) }) },
  ],
  'a core of another name': [
    'issuer',
    'was issued by https://sso.company/application/o/app/',
    { given: (gateway) => (gateway.issuer.tokenClaims = { iss: 'https://sso.company/application/o/app/' }) },
  ],
  'an application called by another name': [
    'cookie domain',
    'this request is for www.company',
    { keeps: 'nothing', asked: { host: 'www.company' } },
  ],
  'a domain that the browser does not take': [
    'cookie domain',
    'set for the domain "company"',
    { options: { rows: [{ mode: 'forward_domain', cookie_domain: '.company' }] } },
  ],
  'a token endpoint that fails': [
    'token call',
    'status 500',
    { given: (gateway) => gateway.issuer.faults.set('token', { status: 500 }) },
  ],
  'a client secret that is not the core’s': [
    'token call',
    'invalid_client',
    { given: (gateway) => gateway.issuer.faults.set('token', { status: 401, body: '{"error":"invalid_client"}' }) },
  ],
  'a browser that keeps no cookies': ['cookie', 'cookies must not be blocked', { keeps: 'nothing' }],
};

describe('WISHES P1: a login that does not hold', () => {
  for (const [what, [cause, told, round]] of Object.entries(cases)) {
    test(`${what}: the page and the log name "${cause}", after three rounds at most`, async () => {
      await using gateway = await testGateway(round.options);
      const { answer, rounds } = await until(round, gateway);
      expect(rounds).toBeLessThanOrEqual(3);
      expect([400, 503]).toContain(statusOf(answer));
      expect(answer.kind === 'refused' && answer.body).toContain(told.replaceAll('"', '&quot;'));
      const line = gateway.log.lines.find(({ event }) => event === 'login loop stopped' || event === 'login failed');
      expect(line?.['reason']).toBe(cause);
      expect(headerOf(answer, 'location')).toBeUndefined();
    });
  }
  test('what was wrong once is forgotten after half a minute', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    for (let round = 0; round < 3; round++) await browser.login('/x');
    expect(statusOf(await browser.send('/outpost.goauthentik.io/start'))).toBe(400);
    expect(headerOf(await browser.login('/x'), 'location')).toBe(`${app}/x`);
  });
});
