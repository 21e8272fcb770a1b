// A stock OpenID Connect client (openid-client) signs in through the core's pages in a real browser (issue: the core, done
// when): discovery, PKCE, login, consent, tokens, user info, renewal, logout.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';
import { enterPassword } from './sign-in.ts';
import { picture, type Site, startSite } from './site.ts';

interface Named {
  readonly pk: string;
  readonly slug: string;
}

describe.skipIf(skipWithout('chromium'))('openid-client', { timeout: 90_000 }, () => {
  let site: Site;
  let application: Server;
  let redirectUri: string;
  let config: client.Configuration;
  const visited: string[] = [];
  beforeAll(async () => {
    site = await startSite();
    application = createServer((request, response) => {
      visited.push(request.url ?? '');
      if (request.url?.startsWith('/never')) return;
      response.end('<!doctype html><h1>Back at the application</h1>');
    });
    await once(application.listen(0, '127.0.0.1'), 'listening');
    const { port } = application.address() as AddressInfo; // listens on TCP
    redirectUri = `http://127.0.0.1:${port}/callback`;
    config = await register(site, redirectUri);
  }, 120_000);
  afterAll(async () => {
    application?.closeAllConnections();
    application?.close();
    await site?.[Symbol.asyncDispose]();
  });

  const ask = async () => {
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid profile email offline_access',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
    return { url: url.href, checks };
  };

  test('core: a stock OIDC client logs in through the browser pages, with consent', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const { url, checks } = await ask();
    await page.goto(url);
    await enterPassword(page, 'ada', site.core.password);
    await page.getByText("You're about to sign into Workshop.").waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(`${redirectUri}?*`);
    const tokens = await client.authorizationCodeGrant(config, new URL(page.url()), checks);
    const claims = tokens.claims();
    expect(claims).toMatchObject({ preferred_username: 'ada', email: 'ada@example.org' });
    const info = await client.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '');
    expect(info).toMatchObject({ preferred_username: 'ada', name: 'Ada Lovelace' });
    const renewed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(renewed.access_token).not.toBe(tokens.access_token);
    expect(visit.complaints).toEqual([]);
  });

  test('whoever is signed in already is asked for consent only, and may decline', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto((await ask()).url);
    await enterPassword(page, 'grace', site.core.password);
    const question = page.getByText("You're about to sign into Workshop.");
    await question.waitFor();
    const { url, checks } = await ask();
    await page.goto(url);
    await question.waitFor();
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.waitForURL(`${redirectUri}?*`);
    await expect(client.authorizationCodeGrant(config, new URL(page.url()), checks)).rejects.toMatchObject({
      error: 'access_denied',
    });
    await page.goto((await ask()).url);
    await question.waitFor();
    await page.getByRole('link', { name: 'Not you?' }).click();
    await page.getByLabel('E-mail address or user name').waitFor();
  });

  test('what was allowed is on the page of the user, and asked for again once it is taken back', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto((await ask()).url);
    await enterPassword(page, 'tim', site.core.password);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(`${redirectUri}?*`);
    await page.goto(`${site.url}/if/user/#consents`);
    await page.getByText('Workshop', { exact: true }).waitFor();
    await expectAccessible(page);
    await page.setViewportSize({ width: 360, height: 740 });
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Take back' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
    await page.getByText('You have allowed no application anything yet.').waitFor();
    await page.goto((await ask()).url);
    await page.getByText("You're about to sign into Workshop.").waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test('whoever may not use the application is told so, on a page with a way on', async () => {
    const application = await site.core.call<Named>('GET', '/core/applications/workshop/');
    const group = await site.core.call<Named>('POST', '/core/groups/', { name: 'workshop' });
    const binding = { target: application.pk, group: group.pk, order: 0, enabled: true };
    const bound = await site.core.call<Named>('POST', '/policies/bindings/', binding);
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto((await ask()).url);
    await enterPassword(page, 'tim', site.core.password);
    await page.getByText('You do not have permission to access this application.').waitFor();
    await expectAccessible(page);
    await picture(page, 'refused');
    await page.getByRole('link', { name: 'My applications' }).click();
    await page.waitForURL(`${site.url}/if/user/`);
    await site.core.call('DELETE', `/policies/bindings/${bound.pk}/`);
  });

  test('signing out at the client ends the session here', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const { url, checks } = await ask();
    await page.goto(url);
    await enterPassword(page, 'alan', site.core.password);
    await page.getByText("You're about to sign into Workshop.").waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(`${redirectUri}?*`);
    const tokens = await client.authorizationCodeGrant(config, new URL(page.url()), checks);
    await page.goto(client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token ?? '' }).href);
    await page.waitForURL(`${site.url}/**`);
    await page.goto(`${site.url}/if/user/`);
    await page.getByLabel('E-mail address or user name').waitFor();
  });

  test.each([
    ['/gone', 'hedy'],
    ['/never', 'radia'],
  ])('signing out here signs out of an application at %s in the browser', async (path, username) => {
    await using visit = await site.visit();
    const { page } = visit;
    const { results } = await site.core.call<{ results: Named[] }>('GET', '/providers/oauth2/?name=Workshop');
    const logout = { logout_method: 'frontchannel', logout_uri: new URL(path, redirectUri).href };
    await site.core.call('PATCH', `/providers/oauth2/${results[0]?.pk}/`, logout);
    const { url, checks } = await ask();
    await page.goto(url);
    await enterPassword(page, username, site.core.password);
    await page.getByText("You're about to sign into Workshop.").waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(`${redirectUri}?*`);
    const tokens = await client.authorizationCodeGrant(config, new URL(page.url()), checks);
    await page.goto(`${site.url}/flows/-/default/invalidation/`);
    if (path === '/never') {
      await page.getByText('You are being signed out of Workshop.').waitFor();
      await expectAccessible(page);
      await picture(page, 'front-channel-logout');
    }
    await page.getByLabel('E-mail address or user name').waitFor();
    const query = new URLSearchParams({ iss: config.serverMetadata().issuer, sid: String(tokens.claims()?.['sid']) });
    expect(visited).toContain(`${path}?${query}`);
  });
});

/** A confidential client with the flow that asks for consent. */
async function register(site: Site, redirectUri: string): Promise<client.Configuration> {
  const { results: flows } = await site.core.call<{ results: Named[] }>('GET', '/flows/instances/?page_size=100');
  const flow = (slug: string) => flows.find((one) => one.slug === slug)?.pk;
  const mappings = await site.core.call<{ results: (Named & { scope_name: string })[] }>(
    'GET',
    '/propertymappings/provider/scope/?page_size=100',
  );
  const scopes = ['openid', 'profile', 'email', 'offline_access'];
  const secret = 'the secret of the workshop';
  await site.core.call('POST', '/providers/oauth2/', {
    name: 'Workshop',
    authorization_flow: flow('default-provider-authorization-explicit-consent'),
    invalidation_flow: flow('default-invalidation-flow'),
    client_id: 'workshop',
    client_secret: secret,
    client_type: 'confidential',
    redirect_uris: [{ matching_mode: 'strict', url: redirectUri, redirect_uri_type: 'authorization' }],
    property_mappings: mappings.results.filter(({ scope_name: name }) => scopes.includes(name)).map(({ pk }) => pk),
  });
  const { results: providers } = await site.core.call<{ results: { pk: number }[] }>(
    'GET',
    '/providers/oauth2/?search=Workshop',
  );
  await site.core.call('POST', '/core/applications/', {
    name: 'Workshop',
    slug: 'workshop',
    provider: providers[0]?.pk,
  });
  const issuer = new URL(`${site.url}/application/o/workshop/`);
  return client.discovery(issuer, 'workshop', secret, undefined, { execute: [client.allowInsecureRequests] });
}
