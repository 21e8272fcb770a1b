// The rule file through every mode (proxy.md §17.12).
import { describe, expect, test } from 'vitest';
import type { Incoming } from './request/incoming.ts';
import { headerOf, statusOf, testGateway } from './testing/test-gateway.ts';

const app = 'https://app.company';
const rules = `
app.company:
  rules:
    - { name: health, path: /healthz, action: skip }
    - { name: preflight, method: OPTIONS, action: skip }
    - { name: closed, prefix: /internal, action: deny }
    - { name: admins, prefix: /admin, require: { groups_any: admins } }
    - { name: fresh, prefix: /payments, require: { max_age: 5m } }
    - { name: asks, prefix: /open/private, action: login }
`;
const forwarded = (uri: string, method = 'GET') => ({
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'app.company',
  'x-forwarded-uri': uri,
  'x-forwarded-method': method,
});
type Ask = (uri: string, method?: string) => readonly [string, Record<string, string>, Partial<Incoming>];
const modes: Readonly<Record<string, { readonly mode: 'proxy' | 'forward_single'; readonly ask: Ask }>> = {
  proxy: { mode: 'proxy', ask: (uri: string, method = 'GET') => [uri, {}, { method }] },
  traefik: {
    mode: 'forward_single',
    ask: (uri: string, method?: string) => ['/outpost.goauthentik.io/auth/traefik', forwarded(uri, method), {}],
  },
  nginx: {
    mode: 'forward_single',
    ask: (uri: string, method = 'GET') => [
      '/outpost.goauthentik.io/auth/nginx',
      { 'x-original-url': app + uri, 'x-original-method': method },
      {},
    ],
  },
};

for (const [name, { mode, ask }] of Object.entries(modes)) {
  describe(`§17.12 by way of ${name}`, () => {
    const anonymous = name === 'nginx' ? 401 : 302;
    const rows = [{ mode, skip_path_regex: '^/open/' }];
    const send = async (gateway: Awaited<ReturnType<typeof testGateway>>, uri: string, method?: string) => {
      const [target, headers, given] = ask(uri, method);
      return gateway.send(target, headers, given);
    };
    test('without a login: what a rule opens is open, what it closes stays closed', async () => {
      await using gateway = await testGateway({ rows, rules });
      const status = async (uri: string, method?: string) => statusOf(await send(gateway, uri, method));
      expect([await status('/healthz'), await status('/api', 'OPTIONS')]).toEqual([200, 200]);
      expect([await status('/open/x'), await status('/open/private')]).toEqual([200, anonymous]);
      expect([await status('/internal'), await status('/x/../internal')]).toEqual([403, 403]);
      expect([await status('/admin'), await status('/healthz/../admin')]).toEqual([anonymous, anonymous]);
    });
    test('with a login: groups decide, and a 403 names the rule', async () => {
      await using gateway = await testGateway({ rows, rules });
      const browser = gateway.browser();
      const asked = async (uri: string) => {
        const [target, headers, given] = ask(uri);
        return browser.send(target, headers, given);
      };
      await browser.login('/');
      const refused = await asked('/admin/users');
      expect([statusOf(refused), refused.kind === 'refused' && refused.body.includes('admins')]).toEqual([403, true]);
      expect(statusOf(await asked('/internal'))).toBe(403);
      expect(statusOf(await asked('/other'))).toBe(200);
      gateway.issuer.user = { groups: ['admins'] };
      await browser.login('/');
      expect(statusOf(await asked('/admin/users'))).toBe(200);
    });
    test('a login that is too old is asked for anew, with that age', async () => {
      await using gateway = await testGateway({ rows, rules });
      const authTime = () => Math.floor(gateway.clock.now() / 1000);
      gateway.issuer.user = { auth_time: authTime() };
      const browser = gateway.browser();
      const asked = async () => {
        const [target, headers, given] = ask('/payments');
        return browser.send(target, headers, given);
      };
      await browser.login('/');
      expect(statusOf(await asked())).toBe(200);
      await gateway.clock.advance(301_000);
      const again = await asked();
      expect(statusOf(again)).toBe(anonymous);
      const location = headerOf(again, 'location') ?? headerOf(again, 'x-outpost-location') ?? '';
      expect(new URL(location).searchParams.get('max_age')).toBe('300');
      gateway.issuer.user = { auth_time: authTime() };
      await browser.login('/');
      expect(statusOf(await asked())).toBe(200);
    });
  });
}

test('WISHES P10: headers over the budget are warned of, with what to do', async () => {
  await using gateway = await testGateway({ rules: 'app.company: { headers: { budget_bytes: 1000 } }' });
  gateway.issuer.user = { groups: Array.from({ length: 200 }, (_, at) => `group-${at}`) };
  const browser = gateway.browser();
  await browser.login('/');
  await browser.send('/');
  expect(gateway.log.lines.find(({ event }) => event === 'identity headers are large')).toMatchObject({
    user: 'alice',
    count: 200,
  });
});
