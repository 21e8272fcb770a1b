// A gateway with an issuer behind it and a browser in front, without sockets of our own: what conformance cases of modes,
// logins and sessions drive.

import type { ProxyProviderRow } from '@gatehouse/contract/rest';
import { createCidrSet } from '@gatehouse/daemon/net';
import { captureLogger, fakeClock } from '@gatehouse/daemon/testing';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import type { Application } from '../applications/application.ts';
import { createApplicationCertificates } from '../applications/certificates.ts';
import type { Lookup } from '../applications/lookup.ts';
import { createApplications } from '../core.ts';
import { createEngine, type Engine } from '../engine.ts';
import type { Answer } from '../request/answer.ts';
import type { Incoming } from '../request/incoming.ts';
import { parseRules } from '../rules/rule-file.ts';
import { createMemoryStore } from '../sessions/memory-store.ts';
import { defaultStoreLimits, type SessionStore } from '../sessions/store.ts';
import { type FakeIssuer, fakeIssuer } from './fake-issuer.ts';

export interface TestGateway extends AsyncDisposable {
  readonly issuer: FakeIssuer;
  readonly engine: Engine;
  readonly lookup: () => Lookup<Application> | undefined;
  readonly clock: ReturnType<typeof fakeClock>;
  readonly log: ReturnType<typeof captureLogger>;
  readonly store: SessionStore;
  readonly events: object[];
  load(rows: readonly Partial<ProxyProviderRow>[]): void;
  /** Takes a rule file into service. */
  useRules(text: string): void;
  /** One request; `headers` by any case. */
  send(target: string, headers?: Readonly<Record<string, string>>, given?: Partial<Incoming>): Promise<Answer>;
  browser(): Browser;
}

/** Keeps cookies, and follows what it is told to. */
export interface Browser {
  readonly cookies: Map<string, string>;
  send(target: string, headers?: Readonly<Record<string, string>>, given?: Partial<Incoming>): Promise<Answer>;
  /** From a redirect to the core back to its callback's target. @returns the answer of the callback */
  followLogin(location: string): Promise<Answer>;
  login(target?: string): Promise<Answer>;
}

export interface TestOptions {
  readonly rows?: readonly Partial<ProxyProviderRow>[];
  readonly strict?: boolean;
  readonly hostBrowser?: string;
  readonly authentikHost?: string;
  /** Default: in memory. */
  readonly store?: SessionStore;
  readonly clock?: ReturnType<typeof fakeClock>;
  readonly issuer?: FakeIssuer;
  /** A rule file. */
  readonly rules?: string;
}

/** A throw-away pair, made once: RSA keys cost a tenth of a second. */
let pair: ReturnType<typeof selfSignedCertificate> | undefined;

export async function testGateway(options: TestOptions = {}): Promise<TestGateway> {
  const issuer = options.issuer ?? (await fakeIssuer());
  const clock = options.clock ?? fakeClock(Date.now());
  issuer.now = () => clock.now();
  const log = captureLogger();
  const store = options.store ?? createMemoryStore(clock, defaultStoreLimits);

  pair ??= selfSignedCertificate();
  const tls = createApplicationCertificates(await pair, log);
  const version = 'goauthentik.io/outpost/test';
  const applications = createApplications({
    hostBrowser: () => options.hostBrowser ?? '',
    version,
    log,
    tls,
    onReplaced: (all) => engine.watchUpstreams(all),
  });
  const events: object[] = [];
  const engine = createEngine({
    clock,
    log,
    store,
    lookup: applications.lookup,
    insecure: false,
    userAgent: version,
    strict: options.strict ?? false,
    longestSessionMs: 24 * 3_600_000,
    trusted: trustedPeers,
    report: (event) => events.push(event),
  });
  if (options.rules !== undefined) applications.useRules(parseRules(options.rules));
  const load = (rows: readonly Partial<ProxyProviderRow>[]) => {
    const outpost = {
      pk: '1',
      name: 'o',
      type: 'proxy',
      refresh_interval_s: 300,
      managed: null,
      config: { authentik_host: options.authentikHost ?? '' },
    };
    applications.replace(
      rows.map((row, at) => issuer.row({ pk: at + 1, ...row })),
      outpost,
      { get: () => undefined },
    );
  };
  load(options.rows ?? [{}]);
  const send: TestGateway['send'] = async (target, headers = {}, given = {}) =>
    (await engine.gateway.handle(incoming(target, headers, given))).answer;
  return {
    issuer,
    engine,
    lookup: applications.lookup,
    clock,
    log,
    store,
    events,
    load,
    useRules: (text) => applications.useRules(parseRules(text)),
    send,
    browser: () => browser(send),
    async [Symbol.asyncDispose]() {
      await engine.close();
      await issuer[Symbol.asyncDispose]();
    },
  };
}

const trustedPeers = createCidrSet(['127.0.0.0/8']);
let requests = 0;

export function incoming(
  target: string,
  headers: Readonly<Record<string, string>> = {},
  given: Partial<Incoming> = {},
): Incoming {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const all = named.some(([name]) => name === 'host') ? named : [['host', 'app.company'] as const, ...named];
  const peer = given.peer ?? '127.0.0.1';
  return {
    method: 'GET',
    rawTarget: target,
    headers: Object.fromEntries(all),
    rawHeaders: all.flat(),
    peer,
    peerPort: 1,
    scheme: 'https',
    trusted: trustedPeers.has(peer),
    requestId: `test-${requests++}`,
    added: [],
    askForBody: undefined,
    readBody: async () => '',
    ...given,
  };
}

export function headerOf(answer: Answer, name: string): string | undefined {
  return headersOf(answer, name)[0];
}

/** Every value of a header, in order. */
export function headersOf(answer: Answer, name: string): string[] {
  const shared = answer.kind === 'allowed' ? answer.shared.flat : [];
  const flat = answer.kind === 'forward' ? [] : [...shared, ...answer.headers];
  return flat.flatMap((item, at) =>
    at % 2 === 0 && item.toLowerCase() === name.toLowerCase() ? [flat[at + 1] ?? ''] : [],
  );
}

export function statusOf(answer: Answer): number {
  return answer.kind === 'allowed' || answer.kind === 'forward' ? 200 : answer.status;
}

function browser(send: TestGateway['send']): Browser {
  const cookies = new Map<string, string>();
  const own: Browser = {
    cookies,
    async send(target, headers = {}, given = {}) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await send(target, { ...(cookie === '' ? {} : { cookie }), ...headers }, given);
      for (const set of setCookiesOf(answer)) keep(cookies, set);
      return answer;
    },
    async followLogin(location) {
      const authorized = await fetch(location, { redirect: 'manual' });
      const back = authorized.headers.get('location') ?? '';
      const path = back.slice(new URL(back).origin.length);
      return own.send(path, { host: new URL(back).host });
    },
    async login(target = '/') {
      const started = await own.send(`/outpost.goauthentik.io/start?rd=${encodeURIComponent(target)}`);
      return own.followLogin(headerOf(started, 'location') ?? '');
    },
  };
  return own;
}

/** Of what goes to the application, those that are added to its answer. */
export function setCookiesOf(answer: Answer): string[] {
  if (answer.kind !== 'forward') return headersOf(answer, 'set-cookie');
  const { setCookie } = answer.authentication;
  return setCookie === undefined ? [] : [setCookie];
}

function keep(cookies: Map<string, string>, set: string): void {
  const [pair = ''] = set.split(';');
  const [name = '', value = ''] = pair.split(/=(.*)/s);
  if (/max-age=0/i.test(set)) cookies.delete(name);
  else cookies.set(name, value);
}
