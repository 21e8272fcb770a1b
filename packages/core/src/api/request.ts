// A request as the rooms see it: who asks, from where, on behalf of which outpost, in which session.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../identity/permissions.ts';
import { mayEverywhere } from '../identity/permissions.ts';
import { invalidField } from '../models/invalid.ts';
import type { Values } from '../models/model.ts';
import type { Author } from '../models/unit.ts';
import type { Session } from '../sessions/session.ts';
import { noCredentials, noPermission } from './failure.ts';

export interface Caller {
  readonly requestId: string;
  readonly principal: Principal | undefined;
  /** User name of the outpost that speaks for a user (flow-executor.md §7.1). */
  readonly outpost: string | undefined;
  readonly clientIp: string;
  /** The visitor's session; new and empty when the cookie brought none. Never set for bearer tokens. */
  session: Session | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
  }
}

export type ApiRequest = FastifyRequest;
export type ApiReply = FastifyReply;
/** What it takes to know who asks; upgrades to websockets have no more. */
export type Asking = Pick<FastifyRequest['raw'], 'headers' | 'socket'>;

/** Query of a request, repeated names kept. */
export function queryOf(request: ApiRequest): URLSearchParams {
  const at = request.url.indexOf('?');
  return new URLSearchParams(at === -1 ? '' : request.url.slice(at + 1));
}

/** Scheme and host under which the caller reached us. */
export function originOf(request: ApiRequest): string {
  const scheme = request.headers['x-forwarded-proto'] === 'https' ? 'https' : 'http';
  return `${scheme}://${request.headers.host ?? 'localhost'}`;
}

/** @throws ApiFailure 403 when nobody is logged in */
export function requirePrincipal(request: ApiRequest): Principal {
  const { principal } = request.caller;
  if (principal === undefined) throw noCredentials();
  return principal;
}

/** @throws ApiFailure 403 when the permission is not held for all objects */
export function requirePermission(request: ApiRequest, permission: string): Principal {
  const principal = requirePrincipal(request);
  if (!mayEverywhere(principal, permission)) throw noPermission();
  return principal;
}

/** What the URL names: the part of the path that stands for one object. */
export function keyParameter(request: ApiRequest): string {
  const { params } = request;
  const key: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'key') : undefined;
  return typeof key === 'string' ? key : '';
}

/** @throws InvalidInput for anything but an object */
export function bodyOf(request: ApiRequest): Values {
  const { body } = request;
  if (body === undefined || body === null) return {};
  if (typeof body === 'object' && !Array.isArray(body)) return { ...body };
  throw invalidField('non_field_errors', 'Invalid data. Expected a dictionary.');
}

/** Who makes the changes of this request, for events. */
export function authorOf(request: ApiRequest): Author {
  const { principal, clientIp, session } = request.caller;
  return {
    userPk: principal?.user.id,
    username: principal?.user.username ?? '',
    email: principal?.user.email ?? '',
    clientIp,
    request: factsOf(request),
    ...(principal === undefined ? {} : { principal }),
    ...(session === undefined ? {} : { sessionId: session.id }),
  };
}

/** The path for logs and events: links that log somebody in are secrets. */
export function shownPath(request: ApiRequest): string {
  return (request.originalUrl.split('?')[0] ?? '').replace(/^(.*\/recovery\/use-token\/).+$/, '$1***/');
}

function factsOf(request: ApiRequest) {
  return {
    path: shownPath(request),
    method: request.method,
    args: Object.fromEntries(queryOf(request)),
    user_agent: request.headers['user-agent'] ?? '',
    request_id: request.id,
    host: request.headers.host ?? '',
  };
}
