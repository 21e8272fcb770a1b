// The headless login against a flow that is a script: what goes over the wire, and what each answer comes to
// (flow-executor.md §16, outpost side).
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createCoreClient } from '@gatehouse/contract/client';
import { sessionId } from '@gatehouse/contract/control-channel';
import { Secret } from '@gatehouse/daemon/config';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { fakeClock } from '@gatehouse/daemon/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { createOutpostMetrics } from '../metrics.ts';
import { checkAccess } from './access.ts';
import { type LoginRequest, login } from './login.ts';

type Challenge = { readonly component: string } & Readonly<Record<string, unknown>>;

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

const identification: Challenge = { component: 'ak-stage-identification', password_fields: false };
const password: Challenge = { component: 'ak-stage-password' };
const done: Challenge = { component: 'xak-flow-redirect', to: '/' };
const executor = '/api/v3/flows/executor/login/?query=goauthentik.io%252Foutpost%252Fldap%3Dtrue';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

interface Script {
  /** Shown one after the other; an answer that is solved leads to the next by a 302. */
  readonly challenges: readonly Challenge[];
  /** Answers this call itself. @returns whether it did */
  readonly intercept?: (seen: Seen, response: ServerResponse) => boolean;
  readonly isAuthenticated?: boolean;
}

/** A core that plays one script for each session. */
async function play({ challenges, intercept = () => false, isAuthenticated = true }: Script) {
  const calls: Seen[] = [];
  const positions = new Map<string, number>();
  let cookies = 0;
  const cookieFor = (position: number) => {
    cookies += 1;
    const claims = { sid: `key-${cookies}`, authenticated: isAuthenticated && position >= challenges.length - 1 };
    const value = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
    positions.set(value, position);
    return value;
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const { method = '', url = '', headers } = request;
      const seen = { method, url, headers, body: text === '' ? undefined : JSON.parse(text) };
      calls.push(seen);
      if (intercept(seen, response)) return;
      const position = positions.get(/authentik_session=([^;]+)/.exec(headers.cookie ?? '')?.[1] ?? '') ?? 0;
      if (url.includes('/users/me/')) {
        const user = { pk: 7, username: 'alice', email: '', uid: 'u', groups: [] };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ user }));
      } else if (method === 'POST') {
        const cookie = `authentik_session=${cookieFor(position + 1)}; Path=/`;
        response.writeHead(302, { location: url, 'set-cookie': cookie }).end();
      } else {
        const cookie = `authentik_session=${cookieFor(position)}; Path=/`;
        response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': cookie });
        response.end(JSON.stringify(challenges[position]));
      }
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const core = createCoreClient({
    host: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`,
    token: new Secret('outpost-token'),
    insecure: false,
    userAgent: 'goauthentik.io/outpost/2026.5.0',
  });
  ends.push(async () => {
    await core.close();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  const registry = createMetrics();
  const deps = { core, clock: fakeClock(), metrics: createOutpostMetrics(registry) };
  const request: LoginRequest = {
    flowSlug: 'login',
    username: 'alice',
    secret: 'pw',
    mfaSupport: true,
    remoteIp: '192.0.2.7',
    protocol: 'ldap',
    signal: AbortSignal.timeout(10_000),
  };
  return { calls, core, registry, run: (over: Partial<LoginRequest> = {}) => login({ ...request, ...over }, deps) };
}

const cookieOf = ({ headers }: Seen) => headers.cookie;

describe('on the wire', () => {
  test('flow-executor 1, 2, 3: query, headers of the outpost, no Authorization', async () => {
    const core = await play({ challenges: [identification, password, done] });
    expect(await core.run()).toMatchObject({ kind: 'passed', userPk: 7 });
    expect(core.calls[0]).toMatchObject({ method: 'GET', url: executor });
    for (const { headers } of core.calls) {
      expect(headers.authorization).toBeUndefined();
      expect(headers).toMatchObject({
        'x-authentik-outpost-token': 'outpost-token',
        'x-authentik-remote-ip': '192.0.2.7',
        'user-agent': 'goauthentik.io/outpost/2026.5.0',
      });
    }
    expect(core.calls.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET', 'POST', 'GET', 'GET']);
  });

  test('flow-executor 2: the access check speaks in the session as well', async () => {
    const core = await play({
      challenges: [done],
      intercept({ url }, response) {
        if (url.includes('check_access')) response.end('{"access":{"passing":true}}');
        return url.includes('check_access');
      },
    });
    const outcome = await core.run();
    if (outcome.kind !== 'passed') throw new Error(outcome.kind);
    const { session } = outcome;
    await checkAccess(core.core, {
      type: 'ldap',
      providerPk: 3,
      applicationSlug: 'app',
      session,
      remoteIp: '2001:db8::7',
      signal: AbortSignal.timeout(5_000),
    });
    const check = core.calls.at(-1);
    expect(check?.url).toBe('/api/v3/outposts/ldap/3/check_access/?app_slug=app');
    expect(check?.headers.authorization).toBeUndefined();
    expect(check?.headers).toMatchObject({
      cookie: expect.stringMatching(new RegExp(`^authentik_session=${session.cookie}(?:;|$)`)),
      'x-authentik-remote-ip': '2001:db8::7',
    });
  });

  test('flow-executor 4, 5: the cookie of the redirect is the one of the next call', async () => {
    const core = await play({ challenges: [identification, done] });
    await core.run();
    const [first, answer, followed] = core.calls;
    expect([first, answer, followed].map((call) => call?.method)).toEqual(['GET', 'POST', 'GET']);
    expect(first && cookieOf(first)).toBeUndefined();
    expect(followed?.url).toBe(executor);
    expect(followed && cookieOf(followed)).not.toBe(answer && cookieOf(answer));
    expect(followed && cookieOf(followed)).toMatch(/^authentik_session=e30\./);
  });

  test('flow-executor 6: logins side by side share no cookie', async () => {
    const core = await play({ challenges: [identification, password, done] });
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => core.run()));
    expect(new Set(outcomes.map((outcome) => outcome.kind === 'passed' && outcome.session.id)).size).toBe(8);
    const sent = core.calls.map(cookieOf).filter((cookie) => cookie !== undefined);
    expect(core.calls.filter((call) => cookieOf(call) === undefined)).toHaveLength(8);
    // A login's last cookie is sent once, by the question who this is; every other one by an answer.
    expect(new Set(sent).size).toBe(sent.length);
  });
});

describe('what it comes to', () => {
  test('flow-executor 15: errors in a challenge are a refusal, and nothing more is sent', async () => {
    const wrong = { ...password, response_errors: { password: [{ string: 'Invalid password', code: 'invalid' }] } };
    const core = await play({ challenges: [identification, wrong] });
    expect(await core.run()).toEqual({
      kind: 'refused',
      reason: 'invalid_credentials',
      message: 'password: Invalid password',
    });
    expect(core.calls.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  test('flow-executor 16: a denial carries its own words', async () => {
    const denied = { component: 'ak-stage-access-denied', error_message: 'Not on a Sunday.' };
    const core = await play({ challenges: [identification, denied] });
    expect(await core.run()).toEqual({ kind: 'refused', reason: 'flow_denied', message: 'Not on a Sunday.' });
  });

  test('flow-executor 17: an unknown component is named', async () => {
    const core = await play({ challenges: [identification, { component: 'ak-stage-captcha' }] });
    expect(await core.run()).toEqual({ kind: 'unanswerable', component: 'ak-stage-captcha' });
  });

  for (const [what, spoil] of [
    ['500', (response: ServerResponse) => response.writeHead(500).end('{}')],
    ['a cut connection', (response: ServerResponse) => response.destroy()],
    ['no JSON', (response: ServerResponse) => response.end('<html>')],
  ] as const) {
    test(`flow-executor 18: ${what} at any call is trouble, never success`, async () => {
      const challenges = [identification, password, done];
      const whole = await play({ challenges });
      await whole.run();
      for (let at = 0; at < whole.calls.length; at++) {
        let count = 0;
        const core = await play({
          challenges,
          intercept(_seen, response) {
            if (count++ !== at) return false;
            spoil(response);
            return true;
          },
        });
        await expect(core.run(), `call ${at}`).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_CONTRACT_/) });
      }
    });
  }

  test('flow-executor 19: nine answers pass, ten do not', async () => {
    const stages = (count: number) =>
      Array.from({ length: count }, () => ({ component: 'ak-stage-user-login' }) satisfies Challenge);
    expect((await (await play({ challenges: [...stages(9), done] })).run()).kind).toBe('passed');
    const core = await play({ challenges: [...stages(10), done] });
    expect(await core.run()).toEqual({ kind: 'unanswerable', component: 'more than 9 stages' });
    expect(core.calls.filter(({ method }) => method === 'POST')).toHaveLength(9);
  });

  test('a session of somebody else than the name typed is a refusal, unless a certificate says who it is', async () => {
    const core = await play({ challenges: [identification, password, done] });
    expect(await core.run({ username: 'bob' })).toMatchObject({ kind: 'refused', reason: 'not_logged_in' });
    const byCertificate = await play({ challenges: [done] });
    const certificatePem = '-----BEGIN CERTIFICATE-----';
    expect(await byCertificate.run({ username: 'anonymous', secret: '', certificatePem })).toMatchObject({
      kind: 'passed',
      username: 'alice',
    });
  });

  test('flow-executor 23: a redirect without a logged-in session is a refusal', async () => {
    const core = await play({ challenges: [identification, done], isAuthenticated: false });
    expect(await core.run()).toMatchObject({ kind: 'refused', reason: 'not_logged_in' });
    const empty = await play({
      challenges: [done],
      intercept({ url }, response) {
        if (url.includes('/users/me/')) return false;
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(done));
        return true;
      },
    });
    expect(await empty.run()).toMatchObject({ kind: 'refused', reason: 'not_logged_in' });
  });

  test('flow-executor 24: the session is called by the hash of its key', async () => {
    const core = await play({ challenges: [identification, done] });
    const outcome = await core.run();
    if (outcome.kind !== 'passed') throw new Error(outcome.kind);
    const claims = JSON.parse(Buffer.from(outcome.session.cookie.split('.')[1] ?? '', 'base64url').toString());
    expect(outcome.session.id).toBe(sessionId(claims.sid));
  });

  test('flow-executor 26: one GET sample for a run, one POST sample for each answer', async () => {
    const core = await play({ challenges: [identification, password, done] });
    await core.run();
    const text = await core.registry.text();
    const samples = (metric: string) =>
      [...text.matchAll(new RegExp(`^authentik_outpost_flow_timing_${metric}_seconds_count\\{(.*)\\} (\\d+)$`, 'gm'))]
        .map(([, labels = '', count]) => [/stage="([^"]*)"/.exec(labels)?.[1], Number(count)])
        .sort();
    expect(samples('get')).toEqual([['ak-stage-identification', 1]]);
    expect(samples('post')).toEqual([
      ['ak-stage-password', 1],
      ['xak-flow-redirect', 1],
    ]);
  });
});
