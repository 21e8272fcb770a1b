// core.md §22, "OAuth2 / OIDC" and "Tokens and sessions": every rule of the endpoints, against a whole core.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  bind,
  createVisitor,
  makeFlow,
  makeStage,
  makeUser,
  startTestCore,
  type TestCore,
  testPassword,
  uniqueName,
  type Visitor,
  visitorAs,
} from '../testing/index.ts';

const callback = 'https://app.test/callback';
let core: TestCore;
let flows: Record<string, string>;
let mappings: Record<string, string>;

beforeAll(async () => {
  core = await startTestCore();
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  flows = {
    implicit: await flow('default-provider-authorization-implicit-consent'),
    explicit: await flow('default-provider-authorization-explicit-consent'),
    out: await flow('default-provider-invalidation-flow'),
  };
  const { results } = await core.call<{ results: { pk: string; scope_name: string }[] }>(
    'GET',
    '/propertymappings/provider/scope/',
  );
  mappings = Object.fromEntries(results.map(({ pk, scope_name }) => [scope_name, pk]));
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

interface Made {
  readonly pk: number;
  readonly name: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly slug: string;
  readonly application: string;
}

const usual = ['openid', 'profile', 'email', 'offline_access'];

async function makeClient(settings: object = {}, scopes: readonly string[] = usual): Promise<Made> {
  const name = uniqueName('client');
  const provider = await core.call<Made>('POST', '/providers/oauth2/', {
    name,
    authorization_flow: flows['implicit'],
    invalidation_flow: flows['out'],
    property_mappings: scopes.map((scope) => mappings[scope] ?? scope),
    redirect_uris: [
      { matching_mode: 'strict', url: callback },
      { matching_mode: 'strict', url: 'https://app.test/bye', redirect_uri_type: 'logout' },
    ],
    ...settings,
  });
  const application = await core.call<{ pk: string }>('POST', '/core/applications/', {
    name,
    slug: name,
    provider: provider.pk,
  });
  return { ...provider, slug: name, application: application.pk };
}

const path = (client: Made, extra: Record<string, string> = {}) =>
  `/application/o/authorize/?${new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: callback,
    scope: usual.join(' '),
    state: 's',
    ...extra,
  })}`;

async function codeFor(client: Made, visitor: Visitor, extra: Record<string, string> = {}): Promise<string> {
  const answer = await visitor.fetch(path(client, extra));
  return new URL(answer.headers.get('Location') ?? '', core.url).searchParams.get('code') ?? '';
}

interface TokenAnswer {
  readonly status: number;
  readonly access_token: string;
  readonly id_token: string;
  readonly refresh_token?: string;
  readonly error?: string;
  readonly scope?: string;
}

async function post(endpoint: string, form: Record<string, string>, headers: Record<string, string> = {}) {
  const response = await fetch(`${core.url}application/o/${endpoint}/`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers,
  });
  return { response, body: (await response.json()) as object }; // the shape is what the tests are about
}

async function ask(client: Made, form: Record<string, string>): Promise<TokenAnswer> {
  const own = { client_id: client.client_id, client_secret: client.client_secret };
  const { response, body } = await post('token', { ...own, ...form });
  return { status: response.status, ...body } as TokenAnswer;
}

const redeem = (client: Made, code: string, extra: Record<string, string> = {}) =>
  ask(client, { grant_type: 'authorization_code', code, redirect_uri: callback, ...extra });

async function tokensOf(client: Made, visitor: Visitor, extra: Record<string, string> = {}): Promise<TokenAnswer> {
  return redeem(client, await codeFor(client, visitor, extra));
}

const introspect = async (client: Made, token: string) =>
  (await post('introspect', { token, client_id: client.client_id, client_secret: client.client_secret })).body;

const events = async (action: string) =>
  (
    await core.call<{ results: { context: Record<string, unknown>; user: { username: string } }[] }>(
      'GET',
      `/events/events/?action=${action}`,
    )
  ).results;

describe('authorize', () => {
  test('core 89: only registered redirect URIs, whole and without scripts', async () => {
    const uris = [
      { matching_mode: 'strict', url: 'https://a.test/cb' },
      { matching_mode: 'regex', url: 'https://a\\.test/r/.*' },
      { matching_mode: 'regex', url: '.*' },
    ];
    const strict = await makeClient({ redirect_uris: uris.slice(0, 2) });
    const any = await makeClient({ redirect_uris: uris });
    const visitor = await visitorAs(core, 'grace');
    const asked = async (client: Made, redirect_uri: string) =>
      (await visitor.fetch(path(client, { redirect_uri }))).headers.get('Location') !== null;
    expect(await asked(strict, 'https://a.test/cb')).toBe(true);
    expect(await asked(strict, 'https://a.test/cb/')).toBe(false);
    expect(await asked(strict, 'https://a.test/r/x?y=1')).toBe(true);
    expect(await asked(strict, 'https://a.test.evil/r/x')).toBe(false);
    expect(await asked(strict, 'x-https://a.test/r/x')).toBe(false);
    expect(await asked(any, 'https://anything.example/')).toBe(true);
    for (const uri of ['javascript:alert(1)', 'JavaScript:alert(1)', 'data:text/html,x', 'vbscript:x', ' javascript:x'])
      expect([uri, await asked(any, uri)]).toEqual([uri, false]);
    const slow = { redirect_uris: [{ matching_mode: 'regex', url: '(a+)+$' }] };
    const started = performance.now();
    expect(await asked(await makeClient(slow), `https://a.test/${'a'.repeat(5000)}!`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(20_000);
    await expect(makeClient({ redirect_uris: [{ matching_mode: 'regex', url: '(' }] })).rejects.toThrow(
      /redirect_uris/,
    );
    await expect(makeClient({ redirect_uris: [{ matching_mode: 'regex', url: '(?=x)' }] })).rejects.toThrow(
      /redirect_uris/,
    );
  });

  test.each([
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ request: 'x' }, 'request_not_supported'],
    [{ response_mode: 'form_post' }, 'invalid_request'],
    [{ code_challenge: 'x', code_challenge_method: 'S512' }, 'invalid_request'],
    [{ prompt: 'none consent' }, 'consent_required'],
    [{ prompt: 'none' }, 'login_required'],
  ])('errors after the redirect URI go to the client: %j', async (extra, error) => {
    const client = await makeClient();
    const answer = await createVisitor(core.url).fetch(path(client, extra as unknown as Record<string, string>));
    const location = new URL(answer.headers.get('Location') ?? '');
    expect([
      location.origin + location.pathname,
      location.searchParams.get('error'),
      location.searchParams.get('state'),
    ]).toEqual([callback, error, 's']);
  });

  test('before it they are a page: unknown client, no query at all', async () => {
    const visitor = createVisitor(core.url);
    const unknown = await visitor.fetch('/application/o/authorize/?client_id=nobody');
    expect([unknown.status, unknown.headers.get('Location')]).toEqual([400, null]);
    expect((await visitor.fetch('/application/o/authorize/')).status).toBe(404);
  });

  test('the question may be posted, too (quirk 9)', async () => {
    const client = await makeClient();
    const visitor = await visitorAs(core, 'grace');
    const answer = await visitor.fetch('/application/o/authorize/', {
      method: 'POST',
      body: path(client).split('?')[1] ?? '',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    expect(answer.headers.get('Location')).toContain(`${callback}?code=`);
  });

  test('core 93: max_age and prompt=login want a new login, once; a hint fills the name in', async () => {
    const client = await makeClient();
    for (const extra of [{ max_age: '0' }, { prompt: 'login' }] as Record<string, string>[]) {
      const visitor = await visitorAs(core, 'grace');
      const answer = await visitor.fetch(path(client, { ...extra, login_hint: 'grace' }));
      const page = new URL(answer.headers.get('Location') ?? '', core.url);
      expect(page.pathname).toBe('/if/flow/default-authentication-flow/');
      expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(403);
      const query = page.search.slice(1);
      const first = await visitor.flow('default-authentication-flow', undefined, query);
      expect(first).toMatchObject({ component: 'ak-stage-password', pending_user: 'grace' });
      const done = await visitor.flow('default-authentication-flow', { password: testPassword }, query);
      const back = await visitor.fetch(String(done['to']));
      expect(back.headers.get('Location')).toContain(`${callback}?code=`);
      expect((await visitor.fetch(path(client, extra))).headers.get('Location')).toContain('/if/flow/');
    }
  });

  test('two tabs on their way to one application stand in one login, and each comes back to its own question', async () => {
    const client = await makeClient();
    const visitor = createVisitor(core.url);
    const led = async (state: string) =>
      new URL((await visitor.fetch(path(client, { state }))).headers.get('Location') ?? '', core.url).search.slice(1);
    const flow = 'default-authentication-flow';
    const first = await led('one');
    await visitor.flow(flow, undefined, first);
    await visitor.flow(flow, { uid_field: 'grace' }, first);
    const second = await led('two');
    expect(await visitor.flow(flow, undefined, second)).toMatchObject({ component: 'ak-stage-password' });
    const done = await visitor.flow(flow, { password: testPassword }, first);
    const late = await visitor.flow(flow, { password: testPassword }, second);
    for (const [to, state] of [
      [done['to'], 'one'],
      [late['to'], 'two'],
    ] as const)
      expect((await visitor.fetch(String(to))).headers.get('Location')).toMatch(new RegExp(`\\?code=.*state=${state}`));
    const other = await visitor.fetch(path(await makeClient(), {}));
    expect(other.headers.get('Location')).not.toContain('/if/flow/default-authentication-flow/');
  });

  /** Two tabs of one browser, each led to log in for an application of its own. */
  async function tabsOfTwoApplications() {
    const visitor = createVisitor(core.url);
    const open = async (state: string) => {
      const client = await makeClient();
      const answer = await visitor.fetch(path(client, { state }));
      const query = new URL(answer.headers.get('Location') ?? '', core.url).search.slice(1);
      const step = (given?: object) => visitor.flow('default-authentication-flow', given, query);
      return { client, state, step };
    };
    const expectArrived = async (last: { readonly [name: string]: unknown }, state: string) =>
      expect((await visitor.fetch(String(last['to']))).headers.get('Location')).toMatch(
        new RegExp(`\\?code=.*state=${state}`),
      );
    return { visitor, open, expectArrived };
  }

  test('two tabs on their way to two applications disturb each other nowhere, and both arrive', async () => {
    const { visitor, open, expectArrived } = await tabsOfTwoApplications();
    const one = await open('one');
    await one.step();
    await one.step({ uid_field: 'grace' });
    const two = await open('two');
    expect(await two.step()).toMatchObject({ component: 'ak-stage-identification', application_pre: two.client.slug });
    expect(await one.step()).toMatchObject({ component: 'ak-stage-password', pending_user: 'grace' });
    await expectArrived(await one.step({ password: testPassword }), 'one');
    const { cookies } = visitor;
    const before = cookies.get('authentik_session');
    await expectArrived(await two.step({ uid_field: 'grace' }), 'two');
    expect(cookies.get('authentik_session'), 'nobody was logged in a second time').toBe(before);
  });

  test('two tabs that answer in the same moment both go on from there', async () => {
    const { open, expectArrived } = await tabsOfTwoApplications();
    const [one, two] = [await open('one'), await open('two')];
    for (const tab of [one, two]) await tab.step();
    const { sessions } = core.deps;
    const { save } = sessions;
    const waiting: (() => void)[] = [];
    const spy = vi.spyOn(sessions, 'save').mockImplementation(async (...args) => {
      // Both have read the session before either stores it.
      if (waiting.length < 2)
        await new Promise<void>((resume) => {
          if (waiting.push(resume) === 2) for (const go of waiting) go();
        });
      return save(...args);
    });
    const names = [
      [one, 'grace'],
      [two, 'ada'],
    ] as const;
    const shown = await Promise.all(names.map(([tab, uid_field]) => tab.step({ uid_field })));
    spy.mockRestore();
    expect(shown).toMatchObject([{ pending_user: 'grace' }, { pending_user: 'ada' }]);
    await expectArrived(await two.step({ password: testPassword }), 'two');
    await expectArrived(await one.step({ password: testPassword }), 'one');
  });

  test('two tabs that are asked for consent by two applications each give their own', async () => {
    const { username } = await makeUser(core);
    const visitor = await visitorAs(core, username);
    const slug = 'default-provider-authorization-explicit-consent';
    const open = async (state: string) => {
      const client = await makeClient({ authorization_flow: flows['explicit'] });
      const location = (await visitor.fetch(path(client, { state }))).headers.get('Location') ?? '';
      const query = new URL(location, core.url).search.slice(1);
      const asked = await visitor.flow(slug, undefined, query);
      return { state, asked, answer: () => visitor.flow(slug, { token: asked['token'] }, query) };
    };
    const tabs = [await open('one'), await open('two')];
    for (const { state, asked, answer } of tabs) {
      expect(asked.component).toBe('ak-stage-consent');
      const { to } = await answer();
      const back = await visitor.fetch(String(to));
      expect(back.headers.get('Location')).toMatch(new RegExp(`\\?code=.*state=${state}`));
    }
  });

  test('the provider’s own authentication flow is taken, and shows the application', async () => {
    const flow = await core.call<{ pk: string; slug: string }>('POST', '/flows/instances/', {
      name: uniqueName('flow'),
      slug: uniqueName('flow'),
      title: 'Sign in to %(app)s',
      designation: 'authentication',
    });
    const { results } = await core.call<{ results: { pk: string }[] }>('GET', '/stages/identification/');
    await core.call('POST', '/flows/bindings/', { target: flow.pk, stage: results[0]?.pk, order: 0 });
    const client = await makeClient({ authentication_flow: flow.pk });
    const visitor = createVisitor(core.url);
    const answer = await visitor.fetch(path(client));
    expect(answer.headers.get('Location')).toMatch(new RegExp(`^/if/flow/${flow.slug}/`));
    const shown = await visitor.flow(flow.slug);
    expect(shown).toMatchObject({ application_pre: client.slug, flow_info: { title: `Sign in to ${client.slug}` } });
  });

  test('core 85: consent is remembered with exactly its permissions; prompt=consent asks all the same', async () => {
    const client = await makeClient({ authorization_flow: flows['explicit'] });
    const { username } = await makeUser(core);
    const visitor = await visitorAs(core, username);
    const slug = 'default-provider-authorization-explicit-consent';
    const silent = async (scope: string) =>
      new URL((await visitor.fetch(path(client, { scope, prompt: 'none' }))).headers.get('Location') ?? '')
        .searchParams;
    expect((await silent('openid')).get('error')).toBe('consent_required');
    await visitor.fetch(path(client, { scope: 'openid email' }));
    const asked = await visitor.flow(slug);
    expect(asked).toMatchObject({
      component: 'ak-stage-consent',
      permissions: [
        { id: 'email', name: 'Email address' },
        { id: 'openid', name: '' },
      ],
      additional_permissions: [],
    });
    const answered = await visitor.flow(slug, { token: asked['token'] });
    expect((await visitor.fetch(String(answered['to']))).headers.get('Location')).toContain('?code=');
    const again = await visitor.fetch(path(client, { scope: 'openid email' }));
    expect(again.headers.get('Location')).toContain(`${callback}?code=`);
    expect((await silent('openid email')).get('error')).toBe(null);
    await visitor.fetch(path(client, { scope: 'openid email profile' }));
    expect(await visitor.flow(slug)).toMatchObject({
      component: 'ak-stage-consent',
      additional_permissions: [{ id: 'profile', name: 'General Profile Information' }],
    });
    const implicit = await makeClient();
    const forced = await visitor.fetch(path(implicit, { prompt: 'consent' }));
    expect(forced.headers.get('Location')).toMatch(/^\/if\/flow\/default-provider-authorization-implicit-consent\/\?/);
    const shown = await visitor.flow('default-provider-authorization-implicit-consent');
    expect(shown.component).toBe('ak-stage-consent');
  });

  test('RFC 6749 §4.1.2.1: who does not consent goes back with access_denied, and stays logged in', async () => {
    const client = await makeClient({ authorization_flow: flows['explicit'] });
    const visitor = await visitorAs(core, (await makeUser(core)).username);
    await visitor.fetch(path(client, { scope: 'openid', state: 'of the client' }));
    const slug = 'default-provider-authorization-explicit-consent';
    const { flow_info } = await visitor.flow(slug);
    const cancel = String(Object(flow_info)['cancel_url']);
    const back = new URL((await visitor.fetch(cancel)).headers.get('Location') ?? '');
    expect(back.href).toMatch(`${callback}?`);
    expect(Object.fromEntries(back.searchParams)).toMatchObject({ error: 'access_denied', state: 'of the client' });
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(200);
    expect((await visitor.fetch(cancel)).headers.get('Location')).toBe('/flows/-/default/invalidation/');
  });

  test('a ticket of the flow opens nothing twice, and nothing else', async () => {
    const always = await makeStage(core, 'consent', { mode: 'always_require' });
    const flow = await makeFlow(core, [always], { designation: 'authorization' });
    const client = await makeClient({ authorization_flow: flow.pk });
    const visitor = await visitorAs(core, 'grace');
    await visitor.fetch(path(client, { scope: 'openid' }));
    const asked = await visitor.flow(flow.slug);
    const done = String((await visitor.flow(flow.slug, { token: asked['token'] }))['to']);
    const location = async (url: string) => (await visitor.fetch(url)).headers.get('Location');
    const other = await visitorAs(core, 'grace');
    const elsewhere = (await other.fetch(done)).headers.get('Location');
    expect(elsewhere, 'in another session').toMatch(`/if/flow/${flow.slug}/?next=`);
    const changed = done.replace(/scope=[^&]*/, 'scope=openid+email');
    expect(await location(changed), 'for another question').toMatch(`/if/flow/${flow.slug}/?next=`);
    expect(await location(done)).toContain(`${callback}?code=`);
    expect(await location(done), 'a second time').toMatch(`/if/flow/${flow.slug}/?next=`);
    expect(await location(changed)).toMatch(`/if/flow/${flow.slug}/?next=`);
  });
});

describe('codes and tokens', () => {
  test('core 90: a code is single use, bound to its provider, and runs out', async () => {
    const [client, other] = [await makeClient(), await makeClient()];
    const visitor = await visitorAs(core, 'grace');
    const code = await codeFor(client, visitor);
    expect(code).toMatch(/^[0-9a-f]{32}$/);
    expect(await redeem(other, code)).toMatchObject({ status: 400, error: 'invalid_grant' });
    const tokens = await redeem(client, code);
    expect(tokens.status).toBe(200);
    expect(await redeem(client, code)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await introspect(client, tokens.access_token)).toEqual({ active: false });
    const late = await makeClient({ access_code_validity: 'seconds=0' });
    expect(await tokensOf(late, visitor)).toMatchObject({ status: 400, error: 'invalid_grant' });
    const wrong = await redeem(client, await codeFor(client, visitor), { redirect_uri: 'https://elsewhere.test/' });
    expect(wrong).toMatchObject({ status: 400, error: 'invalid_client' });
    expect((await events('configuration_error'))[0]?.context).toMatchObject({
      redirect_uri: 'https://elsewhere.test/',
    });
  });

  test('core 90: PKCE', async () => {
    const client = await makeClient({ client_type: 'public' });
    const visitor = await visitorAs(core, 'grace');
    const verifier = randomBytes(32).toString('base64url');
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const s256 = { code_challenge: challenge, code_challenge_method: 'S256' };
    const pub = { client_secret: '' };
    const refused = { status: 400, error: 'invalid_grant' };
    expect(
      await redeem(client, await codeFor(client, visitor, s256), { ...pub, code_verifier: 'wrong' }),
    ).toMatchObject(refused);
    expect(await redeem(client, await codeFor(client, visitor, s256), pub)).toMatchObject(refused);
    expect(await redeem(client, await codeFor(client, visitor), { ...pub, code_verifier: verifier })).toMatchObject(
      refused,
    );
    expect(
      (await redeem(client, await codeFor(client, visitor, s256), { ...pub, code_verifier: verifier })).status,
    ).toBe(200);
    const plain = await codeFor(client, visitor, { code_challenge: verifier });
    expect((await redeem(client, plain, { ...pub, code_verifier: verifier })).status).toBe(200);
  });

  test('core 91, 92: refresh tokens only with offline_access; rotated; no wider; with the policies of the moment', async () => {
    const client = await makeClient();
    const { username } = await makeUser(core);
    const visitor = await visitorAs(core, username);
    expect((await tokensOf(client, visitor, { scope: 'openid' })).refresh_token).toBeUndefined();
    const { refresh_token = '' } = await tokensOf(client, visitor);
    const refresh = (token: string, scope?: string) =>
      ask(client, { grant_type: 'refresh_token', refresh_token: token, ...(scope === undefined ? {} : { scope }) });
    expect(await refresh(refresh_token, 'openid offline_access entitlements')).toMatchObject({
      status: 400,
      error: 'invalid_scope',
    });
    expect(await refresh(refresh_token, 'openid')).toMatchObject({ status: 400, error: 'invalid_scope' });
    const next = await refresh(refresh_token, 'openid offline_access');
    expect(next).toMatchObject({ status: 200, scope: 'openid offline_access' });
    const newest = await refresh(next.refresh_token ?? '');
    expect(await refresh(refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect((await events('suspicious_request'))[0]).toMatchObject({ user: { username } });
    expect(await refresh(newest.refresh_token ?? '')).toMatchObject({ status: 400, error: 'invalid_grant' });
    const fresh = await tokensOf(client, visitor);
    const group = await core.call<{ pk: string }>('POST', '/core/groups/', { name: uniqueName('group') });
    const { pk } = await bind(core, client.application, { group: group.pk });
    expect(await refresh(fresh.refresh_token ?? '')).toMatchObject({ status: 400, error: 'invalid_grant' });
    await core.call('DELETE', `/policies/bindings/${pk}/`);
    expect((await refresh(fresh.refresh_token ?? '')).status).toBe(200);
  });

  test('core 91: with a threshold a young refresh token stays', async () => {
    const client = await makeClient({ refresh_token_validity: 'days=2', refresh_token_threshold: 'days=1' });
    const { refresh_token = '' } = await tokensOf(client, await visitorAs(core, 'grace'));
    for (let n = 0; n < 2; n += 1) {
      const again = await ask(client, { grant_type: 'refresh_token', refresh_token });
      expect([again.status, again.refresh_token]).toEqual([200, undefined]);
    }
    const due = await makeClient({ refresh_token_validity: 'hours=2', refresh_token_threshold: 'days=1' });
    const old = await tokensOf(due, await visitorAs(core, 'grace'));
    const rotated = await ask(due, { grant_type: 'refresh_token', refresh_token: old.refresh_token ?? '' });
    expect(rotated.refresh_token).not.toBe(old.refresh_token);
  });

  test('core 94: HS256 without a key, else the key’s algorithm and id', async () => {
    const visitor = await visitorAs(core, 'grace');
    const secret = await makeClient();
    const { id_token } = await tokensOf(secret, visitor);
    await jwtVerify(id_token, new TextEncoder().encode(secret.client_secret), { audience: secret.client_id });
    const keys = async ({ slug }: Made): Promise<JSONWebKeySet> =>
      (await fetch(`${core.url}application/o/${slug}/jwks/`)).json() as never;
    expect(await keys(secret)).toEqual({});
    for (const [alg, expected] of [
      ['ecdsa', 'ES256'],
      ['rsa', 'RS256'],
    ] as const) {
      const pair = await core.call<{ pk: string }>('POST', '/crypto/certificatekeypairs/generate/', {
        common_name: uniqueName('pair'),
        validity_days: 30,
        alg,
      });
      const client = await makeClient({ signing_key: pair.pk });
      const signed = await tokensOf(client, visitor);
      const set = await keys(client);
      expect(set.keys[0]).toMatchObject({ alg: expected, use: 'sig', kid: decodeProtectedHeader(signed.id_token).kid });
      const { payload } = await jwtVerify(signed.id_token, createLocalJWKSet(set));
      const half = createHash('sha256').update(signed.access_token).digest().subarray(0, 16).toString('base64url');
      expect(payload).toMatchObject({ at_hash: half, amr: ['pwd'] });
      const encrypted = await makeClient({ signing_key: pair.pk, encryption_key: alg === 'rsa' ? pair.pk : null });
      const header = decodeProtectedHeader((await tokensOf(encrypted, visitor)).id_token);
      expect(header.enc).toBe(alg === 'rsa' ? 'A256CBC-HS512' : undefined);
    }
  });

  test('core 95: sub and iss follow the provider; discovery agrees; groups are direct ones', async () => {
    const parent = await core.call<{ pk: string }>('POST', '/core/groups/', { name: uniqueName('group') });
    const child = await core.call<{ pk: string; name: string }>('POST', '/core/groups/', {
      name: uniqueName('group'),
      parents: [parent.pk],
    });
    const { username, pk } = await makeUser(core, {
      email: 'sub@corp.test',
      groups: [child.pk],
      attributes: { upn: 'u@pn' },
    });
    const user = (
      await core.call<{ results: { uid: string; uuid: string }[] }>('GET', `/core/users/?username=${username}`)
    ).results[0];
    const visitor = await visitorAs(core, username);
    const modes = {
      hashed_user_id: user?.uid,
      user_id: String(pk),
      user_uuid: user?.uuid,
      user_username: username,
      user_email: 'sub@corp.test',
      user_upn: 'u@pn',
    };
    for (const [sub_mode, sub] of Object.entries(modes)) {
      const client = await makeClient({ sub_mode });
      const claims = decodeJwt((await tokensOf(client, visitor)).id_token);
      const own = `${core.url}application/o/${client.slug}/`;
      expect(claims).toMatchObject({ sub, iss: own, groups: [child.name] });
      const config: Record<string, unknown> = (await (
        await fetch(`${own}.well-known/openid-configuration`)
      ).json()) as never;
      expect(config).toMatchObject({ issuer: own, scopes_supported: expect.arrayContaining(usual) });
      expect(config['claims_supported']).toEqual(
        expect.arrayContaining(['preferred_username', 'email_verified', 'sub']),
      );
    }
    const global = await makeClient({ issuer_mode: 'global' });
    expect(decodeJwt((await tokensOf(global, visitor)).id_token).iss).toBe(core.url);
    const other = await fetch(`${core.url}.well-known/oauth-authorization-server/application/o/${global.slug}/`);
    expect(await other.json()).toMatchObject({ issuer: core.url });
    const short = await fetch(`${core.url}application/o/${global.slug}/`, { redirect: 'manual' });
    expect(short.headers.get('Location')).toBe(`/application/o/${global.slug}/.well-known/openid-configuration`);
  });

  test('core 96: a mapping overrides standard claims', async () => {
    const mapping = await core.call<{ pk: string }>('POST', '/propertymappings/provider/scope/', {
      name: uniqueName('mapping'),
      scope_name: 'special',
      expression: 'return {"sub": "x", "town": request.user.attributes.get("town", "none")}',
    });
    const client = await makeClient({}, ['openid', mapping.pk]);
    const tokens = await tokensOf(client, await visitorAs(core, 'grace'), { scope: 'openid special' });
    expect(decodeJwt(tokens.id_token)).toMatchObject({ sub: 'x', town: 'none' });
  });

  test('core §16.3: a mapping sees the session of the token, as that of authentik for proxies does', async () => {
    const expression = 'return {"own": request.context["token"].session_id if "token" in request.context else None}';
    const mapping = await core.call<{ pk: string }>('POST', '/propertymappings/provider/scope/', {
      name: uniqueName('mapping'),
      scope_name: 'session',
      expression,
    });
    const client = await makeClient({}, ['openid', mapping.pk]);
    const tokens = await tokensOf(client, await visitorAs(core, 'grace'), { scope: 'openid session' });
    const { sid, own } = decodeJwt(tokens.access_token);
    expect(sid).toMatch(/^[0-9a-f]{64}$/);
    expect(own).toBe(sid);
    const headers = { Authorization: `Bearer ${tokens.access_token}` };
    const told = await (await fetch(`${core.url}application/o/userinfo/`, { headers })).json();
    expect(told).toMatchObject({ own: sid });
    const program = await ask(client, { grant_type: 'client_credentials', scope: 'openid session' });
    expect(decodeJwt(program.access_token)['own']).toBeNull();
  });

  test('core 98: client credentials by secret, app password, combined secret and federation', async () => {
    const client = await makeClient();
    const grant_type = 'client_credentials';
    const own = await ask(client, { grant_type });
    expect(decodeJwt(own.access_token)).toMatchObject({ preferred_username: `ak-${client.name}-client_credentials` });
    expect([own.refresh_token, own.scope?.includes('offline_access')]).toEqual([undefined, false]);
    expect((await ask(client, { grant_type, client_secret: 'wrong' })).error).toBe('invalid_client');
    const { username, pk } = await makeUser(core);
    const identifier = uniqueName('token');
    await core.call('POST', '/core/tokens/', { identifier, intent: 'app_password', user: pk });
    const { key } = await core.call<{ key: string }>('GET', `/core/tokens/${identifier}/view_key/`);
    const byPassword = (password: string) => ask(client, { grant_type: 'password', username, password });
    expect(decodeJwt((await byPassword(key)).access_token)).toMatchObject({ preferred_username: username });
    expect((await byPassword(testPassword)).error).toBe('invalid_grant');
    const combined = Buffer.from(`${username}:${key}`).toString('base64');
    expect(decodeJwt((await ask(client, { grant_type, client_secret: combined })).access_token)).toMatchObject({
      preferred_username: username,
    });
    const trusting = await makeClient({ jwt_federation_providers: [client.pk] });
    const assertion = {
      grant_type,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_secret: '',
    };
    const federated = await ask(trusting, { ...assertion, client_assertion: (await byPassword(key)).access_token });
    expect(decodeJwt(federated.access_token)).toMatchObject({ preferred_username: username, aud: trusting.client_id });
    const foreign = await ask(await makeClient(), { ...assertion, client_assertion: own.access_token });
    expect(foreign.error).toBe('invalid_grant');
    const group = await core.call<{ pk: string }>('POST', '/core/groups/', { name: uniqueName('group') });
    await bind(core, client.application, { group: group.pk });
    expect((await byPassword(key)).error).toBe('invalid_grant');
    expect((await ask(client, { grant_type })).error).toBe('invalid_grant');
  });

  test('unknown grants, repeated parameters and other content types are refused exactly', async () => {
    const client = await makeClient();
    expect(await ask(client, { grant_type: 'magic' })).toMatchObject({ status: 400, error: 'unsupported_grant_type' });
    const twice = await fetch(`${core.url}application/o/token/`, {
      method: 'POST',
      body: 'grant_type=a&grant_type=b',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    expect([twice.status, await twice.json()]).toMatchObject([
      400,
      { error: 'invalid_request', request_id: expect.any(String) },
    ]);
    expect(twice.headers.get('Cache-Control')).toBe('no-store');
    const json = await fetch(`${core.url}application/o/token/`, {
      method: 'POST',
      body: '<x/>',
      headers: { 'Content-Type': 'text/xml' },
    });
    expect(json.status).toBe(415);
    const basic = `Basic ${Buffer.from(`${client.client_id}:${encodeURIComponent(client.client_secret)}`).toString('base64')}`;
    const { response } = await post('token', { grant_type: 'client_credentials' }, { Authorization: basic });
    expect(response.status).toBe(200);
  });
});

describe('resources', () => {
  test('core 97: introspection by strangers is inactive; a trusted provider may look', async () => {
    const client = await makeClient();
    const { access_token } = await tokensOf(client, await visitorAs(core, 'grace'));
    expect(await introspect(client, access_token)).toMatchObject({ active: true, client_id: client.client_id });
    expect(await introspect({ ...client, client_secret: 'wrong' }, access_token)).toEqual({ active: false });
    const stranger = await makeClient();
    expect(await introspect(stranger, access_token)).toEqual({ active: false });
    await core.call('PATCH', `/providers/oauth2/${client.pk}/`, { jwt_federation_providers: [stranger.pk] });
    expect(await introspect(stranger, access_token)).toMatchObject({ active: true, client_id: client.client_id });
    const revoke = (form: Record<string, string>) => post('revoke', form);
    const own = { client_id: client.client_id, client_secret: client.client_secret };
    expect((await revoke({ ...own, client_secret: 'wrong', token: access_token })).response.status).toBe(401);
    expect((await revoke({ ...own, token: 'unknown' })).body).toEqual({});
    await revoke({ ...own, token: access_token });
    expect(await introspect(client, access_token)).toEqual({ active: false });
  });

  test('core 99: userinfo needs openid and a live token', async () => {
    const client = await makeClient();
    const visitor = await visitorAs(core, 'grace');
    const info = (token: string) =>
      fetch(`${core.url}application/o/userinfo/`, { headers: { Authorization: `Bearer ${token}` } });
    const without = await info((await tokensOf(client, visitor, { scope: 'email' })).access_token);
    expect([without.status, without.headers.get('WWW-Authenticate')]).toEqual([
      403,
      expect.stringContaining('error="insufficient_scope"'),
    ]);
    const short = await makeClient({ access_token_validity: 'seconds=0' });
    const expired = await info((await tokensOf(short, visitor)).access_token);
    expect([expired.status, expired.headers.get('WWW-Authenticate')]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ]);
    const { access_token } = await tokensOf(client, visitor, { nonce: 'n1' });
    expect(await (await info(access_token)).json()).toMatchObject({ preferred_username: 'grace', nonce: 'n1' });
  });

  test('cross-origin calls are for origins of registered redirect URIs', async () => {
    await makeClient();
    const allowed = async (origin: string) =>
      (await fetch(`${core.url}application/o/token/`, { method: 'OPTIONS', headers: { Origin: origin } })).headers.get(
        'Access-Control-Allow-Origin',
      );
    expect([await allowed('https://app.test'), await allowed('https://evil.test'), await allowed('null')]).toEqual([
      'https://app.test',
      null,
      null,
    ]);
  });

  test('core 15: an access token calls the API only with the scope for it, and not after revocation', async () => {
    const client = await makeClient({}, [...usual, 'goauthentik.io/api']);
    const visitor = await visitorAs(core, 'grace');
    const me = async (token: string) =>
      (await fetch(`${core.url}api/v3/core/users/me/`, { headers: { Authorization: `Bearer ${token}` } })).status;
    const { access_token } = await tokensOf(client, visitor, { scope: 'openid goauthentik.io/api' });
    expect(await me(access_token)).toBe(200);
    expect(await me((await tokensOf(client, visitor)).access_token)).toBe(403);
    await post('revoke', { client_id: client.client_id, client_secret: client.client_secret, token: access_token });
    expect(await me(access_token)).toBe(403);
  });
});

describe('logout', () => {
  test('core 100: only registered logout URIs are followed; without one a page offers where to go', async () => {
    const client = await makeClient();
    const visitor = await visitorAs(core, 'grace');
    const { access_token, id_token } = await tokensOf(client, visitor);
    const end = (query: Record<string, string>, who = visitor) =>
      who.fetch(`/application/o/${client.slug}/end-session/?${new URLSearchParams(query)}`);
    const registered = await end({ post_logout_redirect_uri: 'https://app.test/bye', state: 'x' });
    expect(registered.headers.get('Location')).toBe('https://app.test/bye?state=x');
    expect(await introspect(client, access_token)).toEqual({ active: false });
    const foreign = await end({ post_logout_redirect_uri: 'https://evil.test/' });
    expect(foreign.headers.get('Location')).toBe('/if/flow/default-provider-invalidation-flow/');
    expect(await visitor.flow('default-provider-invalidation-flow')).toMatchObject({
      component: 'ak-stage-session-end',
      application_name: client.slug,
      application_launch_url: 'https://app.test',
      invalidation_flow_url: '/if/flow/default-invalidation-flow/',
      pending_user: 'grace',
    });
    const again = await tokensOf(client, visitor);
    const stranger = await end(
      { id_token_hint: again.id_token, post_logout_redirect_uri: 'https://app.test/bye' },
      createVisitor(core.url),
    );
    expect(stranger.headers.get('Location')).toBe('https://app.test/bye');
    expect(await introspect(client, again.access_token)).toEqual({ active: false });
    expect(id_token).toBeDefined();
  });

  test('core 101, 49: a session that ends tells each client that wants to know, with the sid of its tokens', async () => {
    const heard: { token: string; resolve?: () => void }[] = [];
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      heard.push({ token: new URLSearchParams(Buffer.concat(chunks).toString()).get('logout_token') ?? '' });
      response.writeHead(heard.length === 1 ? 200 : 204).end();
      server.emit('heard');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const logout_uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/logout`; // a TCP server's address
    const client = await makeClient({ logout_uri });
    const quiet = await makeClient();
    const { username } = await makeUser(core);
    const visitor = await visitorAs(core, username);
    const { id_token, access_token } = await tokensOf(client, visitor);
    await tokensOf(quiet, visitor);
    const told = once(server, 'heard');
    const { results } = await core.call<{ results: { uuid: string }[] }>(
      'GET',
      `/core/authenticated_sessions/?user__username=${username}`,
    );
    await core.call('DELETE', `/core/authenticated_sessions/${results[0]?.uuid}/`);
    expect(await introspect(client, access_token)).toEqual({ active: false });
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(403);
    await told;
    expect(heard).toHaveLength(1);
    const { payload, protectedHeader } = await jwtVerify(
      heard[0]?.token ?? '',
      new TextEncoder().encode(client.client_secret),
    );
    const { sid, sub, iss } = decodeJwt(id_token);
    expect(protectedHeader.typ).toBe('logout+jwt');
    expect(payload).toMatchObject({
      sid,
      sub,
      iss,
      aud: client.client_id,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    });
    expect(payload['nonce']).toBeUndefined();
    server.close();
  });

  test('core §17.7: front-channel clients are told in the browser that signs out, at once of all or of one', async () => {
    const settings = { logout_method: 'frontchannel', logout_uri: 'https://app.test/gone?kept=1' };
    const [one, other, silent] = [await makeClient(settings), await makeClient(settings), await makeClient()];
    const { username } = await makeUser(core);
    const visitor = await visitorAs(core, username);
    const { sid } = decodeJwt((await tokensOf(one, visitor)).id_token);
    for (const client of [other, silent]) await tokensOf(client, visitor);
    const told = (client: Made) => ({
      url: `https://app.test/gone?${new URLSearchParams({ kept: '1', iss: `${core.url}application/o/${client.slug}/`, sid: String(sid) })}`,
      provider_name: client.name,
      binding: 'redirect',
      saml_request: null,
      saml_response: null,
      saml_relay_state: null,
    });
    const led = await visitor.fetch(
      `/application/o/${one.slug}/end-session/?post_logout_redirect_uri=https://app.test/bye`,
    );
    const provided = 'default-provider-invalidation-flow';
    expect(led.headers.get('Location')).toBe(`/if/flow/${provided}/`);
    expect(await visitor.flow(provided)).toEqual({
      component: 'ak-provider-iframe-logout',
      flow_info: expect.any(Object),
      logout_urls: [told(one)],
    });
    expect(await visitor.flow(provided, {})).toMatchObject({ to: 'https://app.test/bye' });
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(200);
    const all = 'default-invalidation-flow';
    expect(await visitor.flow(all)).toMatchObject({
      component: 'ak-provider-iframe-logout',
      logout_urls: [told(other)],
    });
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(403);
    expect(await visitor.flow(all, {})).toMatchObject({ component: 'xak-flow-redirect', to: '/' });
    const config = await fetch(`${core.url}application/o/${one.slug}/.well-known/openid-configuration`);
    expect(await config.json()).toMatchObject({
      frontchannel_logout_supported: true,
      frontchannel_logout_session_supported: true,
    });
  });

  test('core 52: a recovery link lets in once', async () => {
    const { pk, username } = await makeUser(core);
    const key = randomBytes(30).toString('hex');
    const store = (expires: Date) =>
      core.deps.database.kysely
        .insertInto('tokens')
        .values({
          identifier: uniqueName('recovery'),
          key: `${key}${expires.getTime()}`,
          intent: 'recovery',
          user_id: pk,
          expires,
          expiring: true,
          managed: null,
        })
        .returning('key')
        .executeTakeFirstOrThrow();
    const good = await store(new Date(Date.now() + 60_000));
    const visitor = createVisitor(core.url);
    expect((await visitor.fetch(`/recovery/use-token/${good.key}/`)).status).toBe(302);
    expect(await (await visitor.fetch('/api/v3/core/users/me/')).json()).toMatchObject({ user: { username } });
    expect((await createVisitor(core.url).fetch(`/recovery/use-token/${good.key}/`)).status).toBe(404);
    const late = await store(new Date(Date.now() - 60_000));
    expect((await createVisitor(core.url).fetch(`/recovery/use-token/${late.key}/`)).status).toBe(404);
  });

  test('core 47, 48, 50: sessions', async () => {
    const { username, pk } = await makeUser(core);
    const client = await makeClient();
    const visitor = createVisitor(core.url);
    await visitor.flow('default-authentication-flow');
    const before = visitor.cookies.get('authentik_session') ?? '';
    await visitor.flow('default-authentication-flow', { uid_field: username });
    await visitor.flow('default-authentication-flow', { password: testPassword });
    const old = createVisitor(core.url);
    old.setCookie('authentik_session', before);
    expect((await old.fetch('/api/v3/core/users/me/')).status).toBe(403);
    const tokens = await tokensOf(client, visitor);
    await core.call('PATCH', `/core/users/${pk}/`, { is_active: false });
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(403);
    expect(await introspect(client, tokens.access_token)).toEqual({ active: false });
    await core.call('PATCH', `/core/users/${pk}/`, { is_active: true });
    const refreshed = await ask(client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' });
    expect(refreshed.error).toBe('invalid_grant');
  });
});
