// What only shared stores promise (cases 99, 100): two replicas see each other's sessions, and their endings at once.
import type { ProxyProviderRow } from '@gatehouse/contract/rest';
import { captureLogger, fakeClock } from '@gatehouse/daemon/testing';
import { describe, expect, test } from 'vitest';
import { applicationFromApi } from '../applications/application.ts';
import { parseClaims } from '../oidc/claims.ts';
import { createSessions } from '../sessions/sessions.ts';
import { defaultStoreLimits, type SessionStore } from '../sessions/store.ts';
import { cookieName } from './fixture.ts';
import { newKey, type StoreUnderTest } from './session-store-suite.ts';
import { testGateway } from './test-gateway.ts';

export function sharedStoreSuite({ name, open }: StoreUnderTest): void {
  describe(`shared session store: ${name}`, () => {
    test('proxy 100: what one replica ends is told to the other', async () => {
      const clock = fakeClock();
      await using here = await open(clock, defaultStoreLimits);
      await using there = await open(clock, defaultStoreLimits);
      const key = newKey();
      const now = clock.now();
      await here.set(key, {
        sealed: Buffer.from('x'),
        sub: 'carol',
        sid: 'shared',
        createdAtMs: now,
        expiresAtMs: now + 60_000,
      });
      expect((await there.get(key))?.sub).toBe('carol');
      expect([here.isWatching?.(), there.isWatching?.()]).toEqual([true, true]);
      const told = removed(there);
      expect(await here.deleteBySid('shared')).toEqual([key]);
      expect(await told).toEqual([key]);
      expect(await there.get(key)).toBeUndefined();
    });
    test('proxy 100: sessions in front of it forget what was ended elsewhere', async () => {
      const clock = fakeClock();
      await using here = await open(clock, defaultStoreLimits);
      await using there = await open(clock, defaultStoreLimits);
      const application = applicationFromApi(row, {
        hosts: { browser: '', configured: '' },
        outpostName: 'o',
        version: 'v',
      });
      const claims = parseClaims({ sub: 'dave', exp: clock.now() / 1000 + 60 }, 'jwt');
      const [one, other] = [here, there].map((store) =>
        createSessions({ store, clock, log: captureLogger(), tokens: noTokens, longestMs: 1 }),
      );
      const cookie = (await one?.begin(application, claims, { expiresAtMs: clock.now() + 60_000 })) ?? '';
      expect((await other?.find(application, cookie))?.identity?.claims.sub).toBe('dave');
      const told = removed(there);
      await one?.endBySub('dave');
      await told;
      expect((await other?.find(application, cookie))?.identity).toBeUndefined();
    });
    test('WISHES P8: two replicas spend one refresh token between them', async () => {
      const clock = fakeClock(Date.now());
      await using here = await open(clock, defaultStoreLimits);
      await using there = await open(clock, defaultStoreLimits);
      await using one = await testGateway({ store: here, clock });
      await using other = await testGateway({ store: there, clock, issuer: one.issuer });
      one.issuer.offline = true;
      one.issuer.lifeS = 1_000;
      const browser = one.browser();
      await browser.login('/');
      const cookie = `${cookieName}=${browser.cookies.get(cookieName)}`;
      await clock.advance(1_100_000); // the token is over: all of them have to wait
      let isDone = false;
      const asked = Promise.all([one, other, one, other].map((gateway) => gateway.send('/', { cookie })));
      const answers = asked.finally(() => (isDone = true));
      for (let round = 0; !isDone && round < 2_000; round++) {
        await clock.advance(100);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect((await answers).map(({ kind }) => kind)).toEqual(['forward', 'forward', 'forward', 'forward']);
      const refreshes = one.issuer.requests.filter(({ form }) => form.get('grant_type') === 'refresh_token');
      expect(refreshes.length).toBe(1);
    });
  });
}

const noTokens = { refresh: async () => undefined };

function removed(store: SessionStore): Promise<unknown> {
  return new Promise((resolve) => store.onRemoved?.(resolve));
}

const url = 'https://core.company/application/o/';
const row: ProxyProviderRow = {
  pk: 1,
  name: 'p',
  internal_host: '',
  external_host: 'https://app.company',
  internal_host_ssl_validation: true,
  client_id: 'abc',
  client_secret: 'secret',
  oidc_configuration: {
    issuer: url,
    authorization_endpoint: url,
    token_endpoint: url,
    userinfo_endpoint: url,
    end_session_endpoint: url,
    introspection_endpoint: url,
    jwks_uri: url,
    id_token_signing_alg_values_supported: ['HS256'],
  },
  cookie_secret: 'cookie-secret',
  cookie_domain: '',
  skip_path_regex: '',
  basic_auth_enabled: false,
  basic_auth_password_attribute: '',
  basic_auth_user_attribute: '',
  mode: 'forward_single',
  access_token_validity: 3_600,
  intercept_header_auth: true,
  scopes_to_request: [],
  assigned_application_slug: 'app',
  assigned_application_name: 'App',
};
