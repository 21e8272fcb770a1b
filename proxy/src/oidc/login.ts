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
import { header, type Incoming } from '../request/incoming.ts';
import { cookieValues, deletingCookie, formatCookie } from '../sessions/cookie.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { CorePresence } from './core-presence.ts';
import {
  challengeOf,
  clearLoginCookie,
  type LoginSecrets,
  loginCookies,
  newLogin,
  readLoginCookie,
} from './login-cookie.ts';
import { formatState, type LoginState, loginLifeMs, parseState } from './login-state.ts';
import { failureTrouble, loopTrouble } from './login-trouble.ts';
import { redirectTarget } from './redirect-target.ts';
import type { Granted, Tokens } from './tokens.ts';

export interface LoginDependencies {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
  readonly sessions: Sessions;
  readonly tokens: Tokens;
  readonly presence: Pick<CorePresence, 'isAway'>;
}

export interface Logins {
  /** 302 to the core, or 503 when it is away. @param target not yet validated; ends at Ext when it leads anywhere else */
  start(application: Application, request: Incoming, start: LoginStart): Refused | Promise<Refused>;
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

function startLogin(
  context: Context,
  application: Application,
  request: Incoming,
  start: LoginStart,
): Refused | Promise<Refused> {
  const isAway = context.presence.isAway(application.endpoints.jwks);
  const go = () => sendToCore(context, application, request, start);
  return isAway === false ? go() : isAway.then((away) => (away ? awayPage(context, application, request) : go()));
}

function sendToCore({ clock, log }: Context, application: Application, request: Incoming, start: LoginStart): Refused {
  const { cookie, stateKey, seals } = application;
  const cookies = header(request, 'cookie');
  const bounces = start.bounces ?? 0;
  const { loops, lifeS } = loopsOf(application, cookies);
  if (loops >= mostLoops || bounces > mostBounces) {
    const { cause, text } = loopTrouble(application, request, lifeS);
    log.warn('login loop stopped', { provider: application.name, count: loops + bounces, reason: cause, hint: text });
    return loopPage(application, request, text);
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
    const { code, hint, message } = error;
    const { cause, text } = failureTrouble(application, error);
    log.warn('login failed', { provider: application.name, reason: cause, code, error: message, hint });
    const unreachable = code === 'ERR_PROXY_BACK_CHANNEL' || code === 'ERR_PROXY_SESSION_STORE';
    return failurePage(application, request, {
      status: unreachable ? 503 : 400,
      reason: text,
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
  const lifeS = claims.exp - Math.floor(nowMs / 1000);
  const expiresAtMs = Math.max(claims.exp * 1000, nowMs + 1000);
  const session = await sessions.begin(application, claims, { expiresAtMs, refreshToken });
  const loops = loopsOf(application, header(request, 'cookie')).loops + 1;
  log.info('login finished', {
    provider: application.name,
    user: claims.preferredUsername || claims.sub,
    result: 'passed',
  });
  const life = { maxAgeS: loopWindowS, nowMs };
  return redirect(state.redirect || application.externalHost.href, [
    session,
    clearLoginCookie(application.cookie, state.loginId),
    formatCookie(application.cookie, loopCookie(application), `${loops}.${lifeS}`, life),
  ]);
}

/** The core appends its error with a second question mark, so it may be glued to our own parameter (§6.5). */
function errorOf(parameters: URLSearchParams): { readonly code: string; readonly description: string } | undefined {
  const glued = /^true\?error=(.*)$/is.exec(parameters.get('X-authentik-auth-callback') ?? '')?.[1];
  const code = parameters.get('error') ?? glued;
  return code === undefined ? undefined : { code, description: parameters.get('error_description') ?? '' };
}

interface Failure {
  readonly status: 400 | 503;
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
    headers: failure.status === 503 ? ['Retry-After', '10'] : [],
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

function awayPage({ log }: Context, application: Application, request: Incoming): Refused {
  log.warn('login not begun', { provider: application.name, reason: 'the core does not answer' });
  return page(request, {
    status: 503,
    title: 'Temporarily unavailable',
    text: 'The login server does not answer at the moment. Whoever is logged in already can go on.',
    headers: ['Retry-After', '10'],
  });
}

function loopPage(application: Application, request: Incoming, hint: string): Refused {
  return page(request, {
    status: 400,
    title: 'Login loop stopped',
    text: 'You were logged in several times, but the application never saw it.',
    hint,
    link: { href: application.externalHost.href, label: 'Try again' },
    setCookies: [deletingCookie(application.cookie, loopCookie(application))],
  });
}

function loopCookie({ cookie }: Application): string {
  return `${cookie.name}_n`;
}

/** How many logins were completed a moment ago, and how long the last session was to live. */
function loopsOf(application: Application, cookies: string): { readonly loops: number; readonly lifeS?: number } {
  const [value = ''] = cookieValues(cookies, loopCookie(application));
  const [, loops, lifeS] = /^(\d{1,3})\.(-?\d{1,9})$/.exec(value) ?? [];
  return loops === undefined ? { loops: 0 } : { loops: Number(loops), lifeS: Number(lifeS) };
}
