// A core as far as RADIUS needs one: outpost, providers, one login flow, the access check, certificates, events. Keeps what
// it was asked, and fails on demand. The users are the fixtures of radius.md §17. Used by tests of this workspace.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { ntHash } from '@gatehouse/wire/mschap';

export interface FakeUser {
  readonly password: string;
  /** A one-time code, good once. */
  readonly code?: string;
  /** Push: resolves when the user has approved. */
  readonly push?: () => Promise<void>;
  readonly isDenied?: boolean;
  readonly groups?: readonly string[];
  /** Devices in place of the one that `code` or `push` implies. */
  readonly devices?: readonly string[];
  /** Wi-Fi secrets. */
  readonly wifi?: readonly string[];
}

export interface FakeProvider {
  readonly pk: number;
  readonly name: string;
  readonly shared_secret: string;
  readonly client_networks: string;
  readonly mfa_support?: boolean;
  readonly certificate?: string | null;
  /** What check-access returns. */
  readonly attributes?: string | null;
  readonly wifi_secrets?: boolean;
  readonly local_certificates?: boolean;
}

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Fault = 'hang' | 'close' | 'garbage' | number;

export interface FakeCore extends AsyncDisposable {
  readonly url: string;
  readonly users: Map<string, FakeUser>;
  readonly providers: FakeProvider[];
  readonly certificates: Map<string, { certPem: string; keyPem: string; fingerprint: string }>;
  /** Calls whose path has this part, oldest first. */
  seen(part: string): readonly Seen[];
  /** Flow runs begun. */
  flows(): number;
  /** From now on paths with this part fail; `undefined` heals. */
  fail(part: string, fault: Fault | undefined): void;
  /** Every answer gives another stage, and none ends the flow. */
  loop: boolean;
}

export async function startFakeCore(given: {
  readonly users: Readonly<Record<string, FakeUser>>;
  readonly providers: readonly FakeProvider[];
}): Promise<FakeCore> {
  const seen: Seen[] = [];
  const faults = new Map<string, Fault>();
  const state: State = {
    users: new Map(Object.entries(given.users)),
    providers: [...given.providers],
    certificates: new Map(),
    runs: new Map(),
    loops: false,
  };
  const server = createServer((request, response) => {
    answer(state, seen, faults, request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = server.address();
  const port = typeof at === 'object' && at !== null ? at.port : 0;
  return {
    ...state,
    get loop() {
      return state.loops;
    },
    set loop(loops) {
      state.loops = loops;
    },
    url: `http://127.0.0.1:${port}/`,
    seen: (part) => seen.filter(({ path }) => path.includes(part)),
    flows: () =>
      seen.filter(
        ({ path, method, headers }) =>
          path.includes('flows/executor') && method === 'GET' && headers.cookie === undefined,
      ).length,
    fail(part, fault) {
      if (fault === undefined) faults.delete(part);
      else faults.set(part, fault);
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Run {
  user: string;
  stage: 'identification' | 'authenticator' | 'done';
  errors: boolean;
}

interface State {
  readonly users: Map<string, FakeUser>;
  readonly providers: FakeProvider[];
  readonly certificates: Map<string, { certPem: string; keyPem: string; fingerprint: string }>;
  readonly runs: Map<string, Run>;
  loops: boolean;
}

async function answer(
  state: State,
  seen: Seen[],
  faults: ReadonlyMap<string, Fault>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = request.url ?? '';
  const path = url.split('?')[0] ?? '';
  const body = Buffer.concat(chunks).toString();
  seen.push({ method: request.method ?? '', path, url, headers: request.headers, body });
  const fault = [...faults].find(([part]) => path.includes(part))?.[1];
  if (fault === 'hang') return;
  if (fault === 'close') {
    response.destroy();
    return;
  }
  if (fault !== undefined) {
    response.writeHead(fault === 'garbage' ? 200 : fault, { 'content-type': 'application/json' }).end('{"x":');
    return;
  }
  const sent = path.includes('/flows/executor/')
    ? await flow(state, request, response, body)
    : rest(state, path, request, url, body);
  if (sent === undefined) return;
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(sent));
}

function rest(state: State, path: string, request: IncomingMessage, url: string, body: string): object {
  const page = (results: readonly object[]) => ({ pagination: { next: 0, count: results.length }, results });
  if (path.endsWith('/outposts/instances/'))
    return page([
      { pk: 'a0', name: 'office', type: 'radius', config: { log_level: 'trace' }, refresh_interval_s: 300 },
    ]);
  if (path.endsWith('/outposts/radius/'))
    return page(state.providers.map((one) => ({ ...one, application_slug: one.name, auth_flow_slug: 'login' })));
  const run = state.runs.get(sidOf(request));
  if (path.endsWith('/core/users/me/')) return { user: { ...userOf(state, run?.user ?? ''), email: '' } };
  if (path.endsWith('/wifi_secrets/')) {
    const user = state.users.get(new URL(url, 'http://core').searchParams.get('username') ?? '');
    return {
      secrets: (user?.wifi ?? []).map((secret) => ({ pk: randomUUID(), nt_hash: ntHash(secret).toString('hex') })),
    };
  }
  if (path.endsWith('/explain/')) {
    const username = new URL(url, 'http://core').searchParams.get('username') ?? '';
    const user = state.users.get(username);
    const passing = user !== undefined && user.isDenied !== true;
    const attributes = state.providers.find(({ pk }) => path.includes(`/radius/${pk}/`))?.attributes;
    return {
      access: { passing },
      attributes: passing ? attributes : undefined,
      user: passing ? userOf(state, username) : null,
    };
  }
  if (path.endsWith('/assert_login/')) {
    const username = String(JSON.parse(body)['username']);
    const user = state.users.get(username);
    const passing = user !== undefined && user.isDenied !== true;
    const attributes = state.providers.find(({ pk }) => path.includes(`/radius/${pk}/`))?.attributes;
    return passing
      ? { access: { passing }, attributes, user: userOf(state, username), session: { id: randomUUID() } }
      : { access: { passing } };
  }
  const provider = state.providers.find(({ pk }) => path.endsWith(`/outposts/radius/${pk}/check_access/`));
  if (provider !== undefined)
    return {
      attributes: provider.attributes,
      access: { passing: state.users.get(run?.user ?? '')?.isDenied !== true },
    };
  const pair = [...state.certificates].find(([id]) => path.includes(id))?.[1];
  if (path.endsWith('/view_certificate/')) return { data: pair?.certPem };
  if (path.endsWith('/view_private_key/')) return { data: pair?.keyPem };
  if (pair !== undefined) return { pk: 'c', name: 'pair', fingerprint_sha256: pair.fingerprint };
  return {};
}

function userOf(state: State, username: string): object {
  const groups = (state.users.get(username)?.groups ?? []).map((name) => ({ name }));
  return { pk: [...state.users.keys()].indexOf(username) + 1, username, groups };
}

async function flow(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
): Promise<object | undefined> {
  const sid = sidOf(request) || randomUUID();
  const run = state.runs.get(sid) ?? { user: '', stage: 'identification', errors: false };
  state.runs.set(sid, run);
  const claims = Buffer.from(JSON.stringify({ sid, authenticated: run.stage === 'done' })).toString('base64url');
  response.setHeader('set-cookie', `authentik_session=h.${claims}.s; Path=/`);
  if (request.method !== 'POST') return challengeOf(state, run);
  const given: Record<string, unknown> = JSON.parse(body);
  await advance(state, run, given, request);
  if (run.errors) return challengeOf(state, run);
  response.writeHead(302, { location: request.url ?? '' }).end();
  return undefined;
}

async function advance(
  state: State,
  run: Run,
  given: Record<string, unknown>,
  request: IncomingMessage,
): Promise<void> {
  if (run.stage === 'identification') {
    run.user = String(given['uid_field']);
    const user = state.users.get(run.user);
    const hasCertificate = request.headers['x-authentik-outpost-certificate'] !== undefined;
    run.errors = user === undefined || (user.password !== given['password'] && !hasCertificate);
    run.stage = user?.code !== undefined || user?.push !== undefined ? 'authenticator' : 'done';
    if (run.errors) run.stage = 'identification';
    return;
  }
  const user = state.users.get(run.user);
  if (given['code'] === undefined && given['duo'] === undefined) return; // a device was chosen: its code is sent now
  if (user?.push !== undefined) await user.push();
  else run.errors = given['code'] !== user?.code;
  if (user?.code !== undefined && !run.errors) state.users.set(run.user, { ...user, code: randomUUID() });
  if (!run.errors) run.stage = 'done';
}

function challengeOf(state: State, run: Run): object {
  if (state.loops) return { component: 'ak-stage-user-login' };
  const errors = run.errors ? { response_errors: { non_field_errors: [{ string: 'no', code: 'invalid' }] } } : {};
  if (run.stage === 'identification') return { component: 'ak-stage-identification', password_fields: true, ...errors };
  if (run.stage === 'done') return { component: 'xak-flow-redirect', to: '/' };
  const user = state.users.get(run.user);
  const devices = user?.devices ?? [user?.push === undefined ? 'totp' : 'duo'];
  const device_challenges = devices.map((device_class) => ({
    device_class,
    device_uid: '7',
    challenge: {},
    last_used: null,
  }));
  return { component: 'ak-stage-authenticator-validate', device_challenges, ...errors };
}

function sidOf(request: IncomingMessage): string {
  const claims = /authentik_session=h\.([^.]+)\./.exec(request.headers.cookie ?? '')?.[1];
  return claims === undefined ? '' : String(JSON.parse(Buffer.from(claims, 'base64url').toString())['sid']);
}
