// A core with one user whose only second factor is a code that the core sends, by text message or e-mail, as authentik's
// executor behaves: choosing the device sends a code, each choice another one; a code alone is compared with the latest. Ours
// sends none, and what one was sent can only be known to whoever sends it.
import { randomInt, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';

export const ownPassword = 'correct; horse';
export const sendingBase = 'dc=sent,dc=example,dc=org';

export interface SendingCore extends AsyncDisposable {
  readonly url: string;
  /** Codes in the order in which they were sent. */
  readonly sent: readonly string[];
  /** Bodies that the authenticator stage was answered with. */
  readonly answers: readonly Readonly<Record<string, unknown>>[];
}

interface State {
  readonly deviceClass: 'sms' | 'email';
  readonly sent: string[];
  readonly answers: Record<string, unknown>[];
  /** Sessions by cookie: which stage they are at. */
  readonly stages: Map<string, Stage>;
}
type Stage = 'identification' | 'password' | 'authenticator' | 'passed';

export async function startSendingCore(deviceClass: 'sms' | 'email'): Promise<SendingCore> {
  const state: State = { deviceClass, sent: [], answers: [], stages: new Map() };
  const server = createServer((request, response) => {
    const cookie = /authentik_session=([^;]*)/.exec(request.headers.cookie ?? '')?.[1] ?? randomUUID();
    void answerTo(state, request, cookie).then((body) => {
      response.setHeader('set-cookie', `authentik_session=${cookie}; Path=/`);
      response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body ?? { detail: 'Not found.' }));
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    sent: state.sent,
    answers: state.answers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

const provider = {
  pk: 1,
  name: 'Sent',
  base_dn: sendingBase,
  bind_flow_slug: 'bind',
  unbind_flow_slug: null,
  application_slug: 'sent',
  certificate: null,
  tls_server_name: '',
  uid_start_number: 2000,
  gid_start_number: 4000,
  search_mode: 'direct',
  bind_mode: 'direct',
  mfa_support: true,
};
const outpost = { pk: randomUUID(), name: 'sent', type: 'ldap', refresh_interval_s: 300, config: {} };

async function answerTo(state: State, request: IncomingMessage, cookie: string): Promise<unknown> {
  const path = new URL(request.url ?? '/', 'http://core').pathname.replace('/api/v3', '');
  if (path === '/outposts/instances/') return page([outpost]);
  if (path === '/outposts/ldap/') return page([provider]);
  if (path === '/root/config/') return { cache_timeout_flows: 300 };
  const passed = state.stages.get(cookie) === 'passed';
  if (path === '/core/users/me/') return passed ? { user: { pk: 7, username: 'ada' } } : undefined;
  if (path === '/outposts/ldap/1/check_access/')
    return passed ? { access: { passing: true, messages: [] }, has_search_permission: false } : undefined;
  if (!path.startsWith('/flows/executor/')) return undefined;
  const stage = state.stages.get(cookie) ?? 'identification';
  if (request.method !== 'POST') return challenge(state, stage);
  return step(state, { cookie, stage }, Object(JSON.parse(await textOf(request))));
}

function step(
  state: State,
  { cookie, stage }: { readonly cookie: string; readonly stage: Stage },
  body: Record<string, unknown>,
): unknown {
  const goTo = (next: Stage) => {
    state.stages.set(cookie, next);
    return challenge(state, next);
  };
  const refuse = (field: string) => ({
    ...challenge(state, stage),
    response_errors: { [field]: [{ string: 'Invalid', code: 'invalid' }] },
  });
  if (stage === 'identification') return body['uid_field'] === 'ada' ? goTo('password') : refuse('non_field_errors');
  if (stage === 'password') return body['password'] === ownPassword ? goTo('authenticator') : refuse('password');
  state.answers.push(body);
  if (body['selected_challenge'] !== undefined) state.sent.push(String(randomInt(100_000, 1_000_000)));
  if (body['code'] === undefined) return challenge(state, stage);
  return body['code'] === state.sent.at(-1) ? goTo('passed') : refuse('code');
}

function challenge({ deviceClass }: State, stage: Stage): object {
  const device = { device_class: deviceClass, device_uid: '3', challenge: {}, last_used: null };
  switch (stage) {
    case 'identification':
      return { component: 'ak-stage-identification', user_fields: ['username'], password_fields: false, sources: [] };
    case 'password':
      return { component: 'ak-stage-password', pending_user: 'ada', pending_user_avatar: '' };
    case 'authenticator':
      return { component: 'ak-stage-authenticator-validate', device_challenges: [device] };
    case 'passed':
      return { component: 'xak-flow-redirect', to: '/' };
  }
}

function page(results: readonly unknown[]) {
  return { pagination: { next: 0, previous: 0, count: results.length }, results, autocomplete: {} };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
