// One user's session with the core: the flow executor and the calls after it (flow-executor.md §2). No Authorization header:
// the session, not the service account, is the principal. Cookies are held directly and sent whatever their domain (F14).
import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { contractError } from '../errors.ts';
import { type ReceivedChallenge, receivedChallenge } from '../flow/index.ts';
import { type CoreClient, parseAnswer } from './core-client.ts';
import type { RawAnswer, RawCall } from './exchange.ts';

const maxRedirects = 32;
const duoTimeoutMs = 90_000;

export interface FlowSessionOptions {
  readonly remoteIp: string;
  /** PEM of a client certificate that was verified (RADIUS EAP-TLS). */
  readonly certificatePem?: string;
}

export interface SessionCookie {
  /** The cookie's value. */
  readonly value: string;
  /** Absent for a cookie that lasts as long as the browser. */
  readonly expiresAtMs: number | undefined;
  /** Session key; the value itself when it is no JWT. */
  readonly sid: string;
  /** Whether the core calls the session authenticated; unknown when the cookie is no JWT. */
  readonly authenticated: boolean | undefined;
}

export interface FlowSession {
  challenge(slug: string, query: FlowQuery, signal?: AbortSignal): Promise<ReceivedChallenge>;
  answer(slug: string, query: FlowQuery, body: FlowAnswer, signal?: AbortSignal): Promise<ReceivedChallenge>;
  get<S extends z.ZodType>(
    path: string,
    schema: S,
    options?: { readonly query?: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
  ): Promise<z.infer<S>>;
  /** The most recent session cookie, from whatever answer it came. */
  readonly cookie: SessionCookie | undefined;
}

export type FlowQuery = Readonly<Record<string, string>>;
export type FlowAnswer = { readonly component: string } & Readonly<Record<string, unknown>>;

/** @param cookie continues a session that was begun before: logout, a password change */
export function createFlowSession(client: CoreClient, options: FlowSessionOptions, cookie?: string): FlowSession {
  const jar = new Map<string, string>();
  if (cookie !== undefined) {
    jar.set('authentik_session', cookie);
    // Cookie and header must be equal, whoever made the token up (§7.3): 32 letters and digits.
    jar.set('authentik_csrf', randomBytes(16).toString('hex'));
  }
  let session: SessionCookie | undefined;

  const headers = (): Record<string, string> => ({
    'x-authentik-outpost-token': client.options.token.reveal(),
    'x-authentik-remote-ip': options.remoteIp,
    'user-agent': client.options.userAgent,
    accept: 'application/json',
    ...(jar.size === 0 ? {} : { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }),
    ...(jar.has('authentik_csrf')
      ? { 'x-authentik-csrf': jar.get('authentik_csrf') ?? '', origin: client.address.origin }
      : {}),
    ...(options.certificatePem === undefined
      ? {}
      : { 'x-authentik-outpost-certificate': formEscape(options.certificatePem) }),
  });
  const remember = (answer: RawAnswer) => {
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const found = parseSetCookie(line);
      if (found === undefined) continue;
      jar.set(found.name, found.value);
      if (found.name === 'authentik_session') session = readSessionCookie(found.value, found.expiresAtMs);
    }
  };
  const sendFollowing = async (first: RawCall): Promise<{ call: RawCall; answer: RawAnswer }> => {
    let call = first;
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const answer = await client.raw({ ...call, headers: { ...headers(), ...call.headers } });
      remember(answer);
      if (answer.status !== 302) return { call, answer };
      assertSameUrl(client, first.target, answer);
      call = {
        method: 'GET',
        target: first.target,
        headers: {},
        ...(first.signal === undefined ? {} : { signal: first.signal }),
      };
    }
    throw contractError('ERR_CONTRACT_CORE_FAILED', `The flow was redirected more than ${maxRedirects} times.`);
  };
  const executor = async (call: RawCall) => {
    const end = await sendFollowing(call);
    return parseAnswer(end.call, end.answer, receivedChallenge);
  };

  return {
    challenge: (slug, query, signal) =>
      executor({
        method: 'GET',
        target: flowTarget(client, slug, query),
        headers: {},
        ...(signal === undefined ? {} : { signal }),
      }),
    answer: (slug, query, body, signal) => {
      const call = {
        method: 'POST' as const,
        target: flowTarget(client, slug, query),
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      };
      return executor({
        ...call,
        ...('duo' in body ? { timeoutMs: duoTimeoutMs } : {}),
        ...(signal === undefined ? {} : { signal }),
      });
    },
    async get(path, schema, { query, signal } = {}) {
      const call: RawCall = {
        method: 'GET',
        target: client.target(path, query),
        headers: headers(),
        ...(signal === undefined ? {} : { signal }),
      };
      const answer = await client.raw(call);
      remember(answer);
      return parseAnswer(call, answer, schema);
    },
    get cookie() {
      return session;
    },
  };
}

/** §2.2: the inner query is encoded as a form, keys in order, and the whole once more. */
function flowTarget(client: CoreClient, slug: string, query: FlowQuery): string {
  const inner = Object.keys(query)
    .sort()
    .map((key) => `${formEscape(key)}=${formEscape(query[key] ?? '')}`)
    .join('&');
  return `${client.address.prefix}api/v3/flows/executor/${encodeURIComponent(slug)}/?query=${formEscape(inner)}`;
}

/** Form encoding that escapes everything but letters, digits and `-_.~`. */
function formEscape(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

/** F17: only to the very same URL; anything else is not our flow any more. */
function assertSameUrl(client: CoreClient, target: string, answer: RawAnswer): void {
  const location = [answer.headers['location'] ?? ''].flat()[0] ?? '';
  const there = URL.canParse(location, client.address.origin) ? new URL(location, client.address.origin) : undefined;
  const here = new URL(target, client.address.origin);
  if (there !== undefined && there.pathname === here.pathname && there.search === here.search) return;
  throw contractError('ERR_CONTRACT_MALFORMED', `The flow was redirected to another URL, ${location.slice(0, 200)}.`);
}

function parseSetCookie(line: string): { name: string; value: string; expiresAtMs: number | undefined } | undefined {
  const [pair = '', ...attributes] = line.split(';');
  const at = pair.indexOf('=');
  if (at < 1) return undefined;
  const attribute = (name: string) =>
    attributes.map((one) => one.trim().split('=', 2)).find(([key]) => key?.toLowerCase() === name)?.[1];
  const maxAge = Number(attribute('max-age') ?? Number.NaN);
  const expires = Date.parse(attribute('expires') ?? '');
  const expiresAtMs = Number.isNaN(maxAge) ? (Number.isNaN(expires) ? undefined : expires) : Date.now() + maxAge * 1000;
  return { name: pair.slice(0, at).trim(), value: pair.slice(at + 1).trim(), expiresAtMs };
}

/** §2.4: claims are read without verifying, since only the core has the key; a value that is no JWT is the key itself. */
function readSessionCookie(value: string, expiresAtMs: number | undefined): SessionCookie {
  const claims = jwtClaims(value);
  const sid = typeof claims?.['sid'] === 'string' ? claims['sid'] : value;
  const authenticated = typeof claims?.['authenticated'] === 'boolean' ? claims['authenticated'] : undefined;
  return { value, expiresAtMs, sid, authenticated };
}

function jwtClaims(value: string): Readonly<Record<string, unknown>> | undefined {
  const parts = value.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined; // three dots, but no JWT
  }
}
