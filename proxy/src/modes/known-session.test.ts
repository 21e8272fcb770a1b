import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Incoming } from '../request/incoming.ts';
import { forwarded, cookieName as name, traefik } from '../testing/fixture.ts';
import { incoming, type TestGateway, testGateway } from '../testing/test-gateway.ts';
import { createKnownSession } from './known-session.ts';

type Given = readonly [string, Record<string, string>, Partial<Incoming>];

function shortWay({ lookup, engine }: TestGateway, [endpoint, headers, given]: Given) {
  return createKnownSession(lookup, engine.rooms)(incoming(endpoint, headers, given));
}

/** A query that could sign in or out, but does not, is left to the whole way, and judged there as if it were not there. */
function wholeWay({ engine }: TestGateway, [target, headers, given]: Given) {
  const query = `${target.includes('?') ? '&' : '?'}X-authentik-whole=1`;
  return engine.gateway.handle(incoming(target + query, headers, given));
}

const denied = 'app.company: { rules: [{ prefix: /x, action: deny }] }';
const sid = createHash('sha256').update('session-of-alice').digest('hex');
const rows = [
  { name: 'a', mode: 'forward_single', external_host: 'https://app.company' },
  { name: 'b', mode: 'forward_single', external_host: 'http://other.company:8080', client_id: 'other' },
  { name: 'c', mode: 'forward_domain', external_host: 'https://auth.dom', cookie_domain: '.dom', client_id: 'third' },
  { name: 'd', mode: 'proxy', external_host: 'https://proxied.company', client_id: 'fourth' },
] as const;

describe('a known session gets by the short way what it gets by the whole', () => {
  for (const [what, options] of [
    ['several applications', { rows }],
    ['one application', { rows: [rows[0]] }],
    ['rules', { rows, rules: denied }],
  ] as const) {
    test(what, async () => {
      await using gateway = await testGateway(options);
      const browser = gateway.browser();
      await browser.login('/');
      const session = browser.cookies.get(name) ?? '';
      await browser.send(traefik, forwarded('/')); // remembered from here on
      const host = fc.constantFrom(
        'app.company',
        'APP.company',
        'app.company:443',
        'app.company, evil',
        'other.company:8080',
        'x.dom',
        'evildom',
        'proxied.company',
        'unknown',
        '',
        ' ',
        'a b',
        '[::1]',
      );
      const uri = fc.oneof(
        fc.constantFrom(
          '',
          '/',
          '/x/y?z=1',
          '/?X-authentik-logout=true',
          '/a?X-authentik-auth-callback=true',
          'x',
          '/ ',
          '/%',
        ),
        fc.string().map((text) => `/${text}`),
      );
      const cookie = fc.constantFrom(
        `${name}=${session}`,
        `a=b; ${name}=${session}`,
        `${name}=x; ${name}=${session}`,
        `${name}=`,
        `x${name}=${session}`,
        '',
        `${name}=${session}x`,
      );
      const headers = fc.record(
        {
          cookie,
          'x-forwarded-host': host,
          'x-forwarded-proto': fc.constantFrom('https', 'http', 'HTTPS', 'https, http', 'wss', ''),
          'x-forwarded-uri': uri,
          host,
          authorization: fc.constantFrom('Bearer a.b.c', ''),
          'x-forwarded-method': fc.constantFrom('GET', 'POST'),
          'user-agent': fc.string(),
        },
        { requiredKeys: ['cookie', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-uri', 'host'] },
      );
      const given = fc.record({
        peer: fc.constantFrom('127.0.0.1', '203.0.113.9'),
        scheme: fc.constantFrom('http' as const, 'https' as const),
      });
      const endpoints = fc
        .constantFrom('traefik', 'caddy', 'haproxy')
        .map((kind) => `/outpost.goauthentik.io/auth/${kind}`);
      let taken = 0;
      await fc.assert(
        fc.asyncProperty(endpoints, headers, given, async (endpoint, sent, facts) => {
          const asked = [endpoint, sent, facts] as const;
          const short = shortWay(gateway, asked);
          if (short === undefined) return;
          const whole = await wholeWay(gateway, asked);
          taken += 1;
          expect(short).toEqual(whole);
          if (short.answer.kind === 'allowed' && whole.answer.kind === 'allowed') {
            expect(short.answer.shared.text).toBe(whole.answer.shared.text);
            expect(short.answer.allow).toBe(whole.answer.allow);
          }
        }),
        { numRuns: 2_000 },
      );
      if (what === 'rules') expect(taken).toBe(0);
      else expect(taken).toBeGreaterThan(20);
    });
  }
});

test('in proxy mode, what goes to the application', async () => {
  await using gateway = await testGateway({ rows: [{}, { ...rows[1], name: 'q' }] });
  const browser = gateway.browser();
  await browser.login('/');
  await browser.send('/');
  const session = browser.cookies.get(name) ?? '';
  const target = fc.oneof(
    fc.constantFrom(
      '/',
      '/a?b=c',
      '/a%2fb',
      '/a//b/../c',
      '/outpost.goauthentik.iox',
      '/?X-authentik-logout=tru',
      '/#',
      '/ x',
      '*',
    ),
    fc.string().map((text) => `/${text}`),
  );
  const headers = fc.record({
    cookie: fc.constantFrom(`${name}=${session}`, `${name}=x; ${name}=${session}`, `${name}=x`, ''),
    host: fc.constantFrom('app.company', 'APP.company', 'app.company:443', 'other.company:8080', 'unknown', '', 'a b'),
    'x-forwarded-host': fc.constantFrom('app.company', 'other.company:8080', ''),
    'x-forwarded-proto': fc.constantFrom('https', 'http', ''),
    authorization: fc.constantFrom('Bearer a.b.c', ''),
  });
  const given = fc.record({
    peer: fc.constantFrom('127.0.0.1', '203.0.113.9'),
    method: fc.constantFrom('GET', 'POST'),
  });
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(target, headers, given, async (...asked) => {
      const short = shortWay(gateway, asked);
      if (short === undefined) return;
      taken += 1;
      expect(short).toEqual(await wholeWay(gateway, asked));
      expect(short.answer.kind).toBe('forward');
    }),
    { numRuns: 2_000 },
  );
  expect(taken).toBeGreaterThan(20);
});

describe('what ends a session ends the short way', () => {
  const one = { rows: [rows[0], rows[1]] };
  const isKnown = (gateway: TestGateway, cookies: Map<string, string>) =>
    shortWay(gateway, [traefik, { ...forwarded('/'), cookie: `${name}=${cookies.get(name)}` }, {}]) !== undefined;
  for (const [what, end] of [
    ['the session of the core', async ({ engine }: TestGateway) => engine.endCoreSession(sid)],
    ['the user signing out', async ({ engine }: TestGateway) => void (await engine.sessions.endBySub('sub-of-alice'))],
    ['its age', async ({ clock }: TestGateway) => clock.advance(48 * 3_600_000)],
    ['a rule file', async ({ useRules }: TestGateway) => useRules(denied)],
    ['another application at its host', async ({ load }: TestGateway) => load([{ ...rows[0], client_id: 'new' }])],
  ] as const) {
    test(what, async () => {
      await using gateway = await testGateway(one);
      const browser = gateway.browser();
      await browser.login('/');
      await browser.send(traefik, forwarded('/'));
      expect(isKnown(gateway, browser.cookies)).toBe(true);
      await end(gateway);
      expect(isKnown(gateway, browser.cookies)).toBe(false);
    });
  }
});
