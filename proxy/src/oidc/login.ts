// A login from start to callback (proxy.md §6): state and secrets out, code in, a session under a new id at the end. What
// fails ends in a page that says why; what is merely stale is started again, a few times at most. Nothing is stored on this
// side before the callback has passed (WISHES P2, P3).
import type { Clock } from '@gatehouse/daemon/async';
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { Logger } from '@gatehouse/daemon/log';
import { LRUCache } from 'lru-cache';
import type { Application } from '../applications/application.ts';
import { page } from '../pages/page.ts';
import { type Refused, redirect } from '../request/answer.ts';
import { parseAuthority } from '../request/host-name.ts';
import { clientScheme, header, type Incoming, requestHost } from '../request/incoming.ts';
import { cookieValues, deletingCookie, formatCookie } from '../sessions/cookie.ts';
import type { Sessions } from '../sessions/sessions.ts';
import {
  challengeOf,
  clearLoginCookie,
  type LoginSecrets,
  loginCookies,
  newLogin,
  readLoginCookie,
} from './login-cookie.ts';
import { formatState, type LoginState, loginLifeMs, parseState } from './login-state.ts';
import { redirectTarget } from './redirect-target.ts';
import type { Granted, Tokens } from './tokens.ts';

export interface LoginDependencies {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
  readonly sessions: Sessions;
  readonly tokens: Tokens;
}

export interface Logins {
  /** 302 to the core. @param target not yet validated; ends at Ext when it leads anywhere else */
  start(application: Application, request: Incoming, start: LoginStart): Refused;
  /** @param query raw query of the callback */
  finish(application: Application, request: Incoming, query: string): Promise<Refused>;
}

export interface LoginStart {
  readonly target: string;
  readonly bounces?: number;
  /** Passed on to the core: `prompt`, `login_hint`, `ui_locales`, `max_age`. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** Completed logins within {@link loopWindowS} that still led back to a login. */
const mostLoops = 3;
const loopWindowS = 30;
const mostBounces = 2;

export function createLogins(dependencies: LoginDependencies): Logins {
  const used = new LRUCache<string, true>({ max: 20_000 });
  const context = { ...dependencies, used };
  return {
    start: (application, request, start) => startLogin(context, application, request, start),
    finish: (application, request, query) => finishLogin(context, application, request, query),
  };
}

type Context = LoginDependencies & { readonly used: LRUCache<string, true> };

function startLogin({ clock, log }: Context, application: Application, request: Incoming, start: LoginStart): Refused {
  const { cookie, stateKey, seals } = application;
  const cookies = header(request, 'cookie');
  const bounces = start.bounces ?? 0;
  const loops = loopCount(application, cookies);
  if (loops >= mostLoops || bounces > mostBounces) {
    log.warn('login loop stopped', {
      provider: application.name,
      count: loops + bounces,
      reason: loopCause(application, request),
    });
    return loopPage(application, request);
  }
  const nowMs = clock.now();
  const secrets = newLogin(nowMs);
  const target = redirectTarget(start.target, application.redirectRules) ?? '';
  if (target === '' && start.target !== '') {
    log.warn('redirect target refused', { provider: application.name, path: start.target.slice(0, 200) });
  }
  const state = formatState(stateKey, { loginId: secrets.loginId, redirect: target, bounces, issuedAtMs: nowMs });
  return redirect(
    authorizeUrl(application, state, secrets, start),
    loginCookies(cookie, seals.login, secrets, cookies),
  );
}

/** §6.4: parameters sorted by name, blanks as `+`. */
function authorizeUrl(application: Application, state: string, secrets: LoginSecrets, start: LoginStart): string {
  const url = new URL(application.endpoints.authorization);
  const parameters: Record<string, string> = {
    ...start.parameters,
    client_id: application.clientId,
    code_challenge: challengeOf(secrets.verifier),
    code_challenge_method: 'S256',
    nonce: secrets.nonce,
    redirect_uri: application.redirectUri,
    response_type: 'code',
    state,
    ...(application.scopes.length === 0 ? {} : { scope: application.scopes.join(' ') }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  url.searchParams.sort();
  return url.href;
}

async function finishLogin(
  context: Context,
  application: Application,
  request: Incoming,
  query: string,
): Promise<Refused> {
  const { clock, sessions, used } = context;
  const cookies = header(request, 'cookie');
  const parameters = new URLSearchParams(query);
  const read = parseState(application.stateKey, parameters.get('state') ?? '', clock.now());
  const found = await sessions.find(application, cookies);
  const goOn = (target: string) => redirect(target || application.externalHost.href);
  const error = errorOf(parameters);
  if (read.kind === 'invalid') {
    if (found.identity !== undefined) return goOn('');
    return failurePage(application, request, {
      status: 400,
      reason: 'the state of this login is not ours',
      target: '',
    });
  }
  const { state } = read;
  if (error !== undefined) return deniedPage(application, request, state, error);
  const secrets = readLoginCookie(application.cookie, application.seals.login, {
    cookies,
    loginId: state.loginId,
    nowMs: clock.now(),
  });
  if (read.kind === 'expired' || secrets === undefined || used.has(state.loginId)) {
    if (found.identity !== undefined) return goOn(state.redirect);
    return startLogin(context, application, request, { target: state.redirect, bounces: state.bounces + 1 });
  }
  used.set(state.loginId, true, { ttl: loginLifeMs });
  return exchange(context, application, request, { state, secrets, code: parameters.get('code') ?? '' });
}

interface Callback {
  readonly state: LoginState;
  readonly secrets: LoginSecrets;
  readonly code: string;
}

async function exchange(
  context: Context,
  application: Application,
  request: Incoming,
  callback: Callback,
): Promise<Refused> {
  const { state, secrets, code } = callback;
  const { log, tokens } = context;
  try {
    const granted = await tokens.exchangeCode(application, {
      code,
      redirectUri: application.redirectUri,
      verifier: secrets.verifier,
      nonce: secrets.nonce,
    });
    return await succeed(context, application, request, { ...granted, state });
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    log.warn('login failed', { provider: application.name, code: error.code, error: error.message, hint: error.hint });
    const unreachable = error.code === 'ERR_PROXY_BACK_CHANNEL' || error.code === 'ERR_PROXY_SESSION_STORE';
    const reason = error.code === 'ERR_PROXY_SESSION_STORE' ? 'the session could not be kept' : error.message;
    return failurePage(application, request, {
      status: unreachable ? 502 : 400,
      reason,
      target: state.redirect,
      setCookies: [clearLoginCookie(application.cookie, state.loginId)],
    });
  }
}

async function succeed(
  { clock, log, sessions }: Context,
  application: Application,
  request: Incoming,
  { claims, refreshToken, state }: Granted & { readonly state: LoginState },
): Promise<Refused> {
  const nowMs = clock.now();
  const expiresAtMs = Math.max(claims.exp * 1000, nowMs + 1000);
  const session = await sessions.begin(application, claims, { expiresAtMs, refreshToken });
  const loops = loopCount(application, header(request, 'cookie')) + 1;
  log.info('login finished', {
    provider: application.name,
    user: claims.preferredUsername || claims.sub,
    result: 'passed',
  });
  const life = { maxAgeS: loopWindowS, nowMs };
  return redirect(state.redirect || application.externalHost.href, [
    session,
    clearLoginCookie(application.cookie, state.loginId),
    formatCookie(application.cookie, loopCookie(application), String(loops), life),
  ]);
}

/** The core appends its error with a second question mark, so it may be glued to our own parameter (§6.5). */
function errorOf(parameters: URLSearchParams): { readonly code: string; readonly description: string } | undefined {
  const glued = /^true\?error=(.*)$/is.exec(parameters.get('X-authentik-auth-callback') ?? '')?.[1];
  const code = parameters.get('error') ?? glued;
  return code === undefined ? undefined : { code, description: parameters.get('error_description') ?? '' };
}

interface Failure {
  readonly status: 400 | 502;
  readonly reason: string;
  readonly target: string;
  readonly setCookies?: readonly string[];
}

function failurePage(application: Application, request: Incoming, failure: Failure): Refused {
  return page(request, {
    status: failure.status,
    title: 'Login failed',
    text: `You could not be logged in to ${application.title || application.name}: ${failure.reason}`,
    link: { href: failure.target || application.externalHost.href, label: 'Try again' },
    setCookies: failure.setCookies ?? [],
    headers: failure.status === 502 ? ['Retry-After', '10'] : [],
  });
}

function deniedPage(
  application: Application,
  request: Incoming,
  state: LoginState,
  error: { readonly code: string; readonly description: string },
): Refused {
  return page(request, {
    status: error.code === 'access_denied' ? 403 : 400,
    title: 'Login refused',
    text: `The login server answered ${error.code}${error.description === '' ? '' : `: ${error.description}`}.`,
    link: { href: state.redirect || application.externalHost.href, label: 'Try again' },
    setCookies: [clearLoginCookie(application.cookie, state.loginId)],
  });
}

function loopPage(application: Application, request: Incoming): Refused {
  return page(request, {
    status: 400,
    title: 'Login loop stopped',
    text: 'You were logged in several times, but the application never saw it.',
    hint: loopCause(application, request),
    link: { href: application.externalHost.href, label: 'Try again' },
    setCookies: [deletingCookie(application.cookie, loopCookie(application))],
  });
}

/** WISHES P1: the most likely cause, from what can be known here. */
function loopCause({ cookie, external, externalHost, mode, sessionLifeMs }: Application, request: Incoming): string {
  if (cookie.secure && clientScheme(request) === 'http') {
    return `The external host is ${externalHost.origin}, so the session cookie is for https only, but this request came over http: correct the external host, or let the reverse proxy send X-Forwarded-Proto.`;
  }
  if (sessionLifeMs < 60_000) {
    return `Sessions of this provider last ${Math.floor(sessionLifeMs / 1000)} s: raise its access token validity, and compare the clocks of this machine and the core.`;
  }
  if (mode === 'forward_domain') {
    return `The session cookie is set for the domain "${cookie.domain}" by ${externalHost.host}: the application's host must lie below it.`;
  }
  const asked = parseAuthority(requestHost(request))?.host;
  if (asked !== undefined && asked !== external.authority.host) {
    return `The session cookie is set for ${externalHost.host}, but this request is for ${asked}: the browser must use the external host.`;
  }
  return `The session cookie does not come back: the external host is ${externalHost.origin}, and the browser must use exactly that; cookies must not be blocked, and the clocks of this machine and the core must agree.`;
}

function loopCookie({ cookie }: Application): string {
  return `${cookie.name}_n`;
}

function loopCount(application: Application, cookies: string): number {
  const [value = ''] = cookieValues(cookies, loopCookie(application));
  return /^\d{1,3}$/.test(value) ? Number(value) : 0;
}
