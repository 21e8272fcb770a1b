// The seam for applications: router.md §19 R46, R47, with a handler in the place of the outpost.
import { expect, test } from 'vitest';
import { runRouter } from '../testing/running-router.ts';
import type { ApplicationHandler } from './application-handler.ts';

/** Proxies app.example, and forward-authenticates for forward.example. */
const application: ApplicationHandler = {
  claims: ({ host }, target) =>
    host === 'app.example' ||
    target.startsWith('/outpost.goauthentik.io/ping') ||
    (host === 'forward.example' && target.startsWith('/outpost.goauthentik.io/')),
  handle(request, response) {
    response.writeHead(request.url?.endsWith('/ping') === true ? 204 : 200).end(`application got ${request.url}`);
  },
  upgrade() {},
};
const trusting = { AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS: '127.0.0.0/8' };
const files = { 'dist/x.js': 'asset' };

for (const [host, path, expected] of [
  ['app.example', '/any', 'application got /any'],
  ['app.example', '/a//b/c%2Fd', 'application got /a//b/c%2Fd'],
  ['app.example', '/robots.txt', 'application got /robots.txt'],
  ['app.example', '/static/dist/x.js', 'asset'],
  ['forward.example', '/outpost.goauthentik.io/start', 'application got /outpost.goauthentik.io/start'],
  ['forward.example', '/any', 'authentik starting'],
  ['other.example', '/any', 'authentik starting'],
] as const) {
  test(`router R46: ${host}${path}`, async () => {
    await using site = await runRouter({ application, files, env: trusting });
    const answer = await fetch(`${site.url}${path}`, { headers: { 'x-forwarded-host': host } });
    expect(await answer.text()).toBe(expected);
  });
}

test("router R47: the ping is answered on any host, below a prefix too, and is the core's without an outpost", async () => {
  await using site = await runRouter({ application, env: { AUTHENTIK_WEB__PATH: '/auth/' } });
  expect((await fetch(`${site.url}/outpost.goauthentik.io/ping`)).status).toBe(204);
  await using without = await runRouter();
  expect((await fetch(`${without.url}/outpost.goauthentik.io/ping`)).status).toBe(503);
});
