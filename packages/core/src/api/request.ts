// A request as the rooms see it: who asks, from where, on behalf of which outpost, in which session.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../identity/permissions.ts';
import { mayEverywhere } from '../identity/permissions.ts';
import type { UserRecord } from '../identity/users.ts';
import type { Session } from '../sessions/store.ts';
import { noCredentials, noPermission } from './failure.ts';

export interface Caller {
  readonly requestId: string;
  readonly principal: Principal | undefined;
  /** Service account of the outpost that speaks for a user (flow-executor.md §7.1). */
  readonly outpostUser: UserRecord | undefined;
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
