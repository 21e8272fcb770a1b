import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { app, cookieName, nginx, traefik } from './testing/fixture.ts';
import { incoming, statusOf, testGateway } from './testing/test-gateway.ts';

describe('WISHES P6: garbage never opens a door', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(app, '/', '%', 'https', 'app.company', '../', 'Bearer a.b.c', 'Basic Og=='),
  );
  const latin1 = text.map((value) => Buffer.from(value, 'utf8').toString('latin1'));
  const names = fc.constantFrom(
    'cookie',
    'authorization',
    'x-forwarded-proto',
    'x-forwarded-host',
    'x-forwarded-uri',
    'x-original-url',
    'x-original-uri',
    'x-forwarded-for',
    'host',
    'x-forwarded-method',
    'upgrade',
    'accept',
    'user-agent',
  );
  const cookie = fc
    .tuple(fc.constantFrom('authentik_proxy_ba7816bf', 'authentik_proxy_ba7816bf_s_00000000'), latin1)
    .map(([name, value]) => `${name}=${value}`);
  const headers = fc.dictionary(names, fc.oneof(latin1, cookie), { maxKeys: 8 });
  const target = fc.oneof(
    latin1.map((path) => `/${path}`),
    fc
      .tuple(
        fc.constantFrom(
          traefik,
          nginx,
          '/outpost.goauthentik.io/auth/caddy',
          '/outpost.goauthentik.io/auth/haproxy',
          '/outpost.goauthentik.io/auth/envoy',
          '/outpost.goauthentik.io/userinfo',
          '/outpost.goauthentik.io/callback',
          '/outpost.goauthentik.io/start',
        ),
        latin1,
      )
      .map(([path, rest]) => path + rest),
  );
  for (const mode of ['proxy', 'forward_single', 'forward_domain'] as const) {
    test(`proxy 52, ${mode}: 2xx only with a valid session`, async () => {
      await using gateway = await testGateway({ rows: [{ mode, cookie_domain: '.company' }] });
      const browser = gateway.browser();
      await browser.login('/');
      const real = browser.cookies.get(cookieName) ?? '';
      // A real session's id with one letter gone, one that is none, or one too many.
      const nearly = fc
        .tuple(fc.nat(real.length - 1), fc.constantFrom('', '!', 'AA'))
        .map(([at, letter]) => ({ cookie: `${cookieName}=${real.slice(0, at)}${letter}${real.slice(at + 1)}` }));
      const asked = fc.tuple(headers, fc.oneof(fc.constant({}), nearly)).map(([one, two]) => ({ ...one, ...two }));
      await fc.assert(
        fc.asyncProperty(target, asked, async (path, given) => {
          const { answer } = await gateway.engine.gateway.handle(incoming(path, given));
          const isPing = path.startsWith('/outpost.goauthentik.io/ping');
          const isOwnPath = answer.kind === 'allowed' && answer.allow.reason === 'reserved';
          if (!isPing && !isOwnPath) expect(statusOf(answer)).toBeGreaterThanOrEqual(300);
          expect(answer.kind).not.toBe('forward');
        }),
        { numRuns: 1_500 },
      );
    });
  }
});
