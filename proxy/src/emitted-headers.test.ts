// WISHES P15: every header that an application is told of its user, in every mode, in full.
import { describe, expect, test } from 'vitest';
import { app, forwarded, nginx, traefik } from './testing/fixture.ts';
import { lastSeen } from './testing/raw-exchange.ts';
import { testGateway } from './testing/test-gateway.ts';
import { testServer } from './testing/test-server.ts';

const row = {
  basic_auth_enabled: true,
  basic_auth_user_attribute: 'login',
  basic_auth_password_attribute: 'secret',
} as const;
const user = {
  preferred_username: 'alice',
  entitlements: ['read', 'write'],
  ak_proxy: { user_attributes: { login: 'al', secret: 'pw', additionalHeaders: { 'X-Tenant': 'red', 'X-Level': 5 } } },
};
const expected = (jwksUri: string) => [
  ['X-Authentik-Username', 'alice'],
  ['X-Authentik-Groups', 'a|b'],
  ['X-Authentik-Entitlements', 'read|write'],
  ['X-Authentik-Email', 'alice@company'],
  ['X-Authentik-Name', 'Alice'],
  ['X-Authentik-Uid', 'sub-of-alice'],
  ['X-Authentik-Jwt', expect.stringMatching(/^eyJ[\w.-]+$/)],
  ['X-Authentik-Meta-Jwks', jwksUri],
  ['X-Authentik-Meta-Outpost', 'o'],
  ['X-Authentik-Meta-Provider', 'p'],
  ['X-Authentik-Meta-App', 'app'],
  ['X-Authentik-Meta-Version', 'goauthentik.io/outpost/test'],
  ['Authorization', `Basic ${btoa('al:pw')}`],
  ['X-Tenant', 'red'],
  ['X-Level', '5'],
  ['X-Authentik-Assertion', expect.stringMatching(/^eyJ[\w.-]+$/)],
];
const pairs = (flat: readonly string[]) =>
  flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : []));

describe('WISHES P15: what an application is told', () => {
  const ways: Readonly<Record<string, readonly [target: string, headers: Readonly<Record<string, string>>]>> = {
    traefik: [traefik, forwarded('/x')],
    caddy: [traefik.replace('traefik', 'caddy'), forwarded('/x')],
    haproxy: [traefik.replace('traefik', 'haproxy'), forwarded('/x')],
    nginx: [nginx, { 'x-original-url': `${app}/x` }],
    envoy: ['/outpost.goauthentik.io/auth/envoy/x', {}],
  };
  for (const [name, [target, headers]] of Object.entries(ways)) {
    test(`by way of ${name}`, async () => {
      await using gateway = await testGateway({ rows: [{ ...row, mode: 'forward_single' }] });
      gateway.issuer.user = user;
      const browser = gateway.browser();
      await browser.login('/');
      const answer = await browser.send(target, { ...headers, 'user-agent': 'curl' });
      const flat = answer.kind === 'allowed' ? [...answer.shared.flat, ...answer.headers] : [];
      expect(pairs(flat)).toEqual([
        ...expected(`${gateway.issuer.url}/application/o/app/jwks/`),
        ['X-Powered-By', 'authentik_proxy2'],
        ['Cache-Control', 'no-store'],
        ['User-Agent', 'curl'],
      ]);
    });
  }
  test('in proxy mode', async () => {
    await using proxy = await testServer([row]);
    proxy.gateway.issuer.user = user;
    const { cookie } = await proxy.login();
    await proxy.get('/', { cookie });
    const own = pairs(lastSeen(proxy)).filter(([name]) => /^(?:x-(?!forwarded)|authorization)/i.test(name ?? ''));
    expect(own).toEqual(expected(`${proxy.gateway.issuer.url}/application/o/app/jwks/`));
  });
});
