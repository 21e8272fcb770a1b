// The calls in a user's session after a login: may this user use the application (flow-executor.md §14), and logout.
import { type CoreClient, createFlowSession } from '@gatehouse/contract/client';
import { type AccessCheckRow, accessCheckRow, currentUserRow } from '@gatehouse/contract/rest';
import type { CoreSession } from './outcome.ts';

export interface AccessRequest {
  readonly type: 'ldap' | 'radius';
  readonly providerPk: number;
  readonly applicationSlug: string;
  readonly session: CoreSession;
  readonly remoteIp: string;
  readonly signal: AbortSignal;
}

/** @throws GatewayError `ERR_CONTRACT_…`; a failed check is never an allowance (F1) */
export function checkAccess(core: CoreClient, request: AccessRequest): Promise<AccessCheckRow> {
  const session = createFlowSession(core, { remoteIp: request.remoteIp }, request.session.cookie);
  const path = `/outposts/${request.type}/${request.providerPk}/check_access/`;
  return session.get(path, accessCheckRow, { query: { app_slug: request.applicationSlug }, signal: request.signal });
}

/**
 * Names of the groups that the user of a session is in by now.
 * @throws GatewayError `ERR_CONTRACT_FORBIDDEN` when the session has ended, and other `ERR_CONTRACT_…`
 */
export async function currentGroups(
  core: CoreClient,
  request: Pick<AccessRequest, 'session' | 'remoteIp' | 'signal'>,
): Promise<readonly string[]> {
  const session = createFlowSession(core, { remoteIp: request.remoteIp }, request.session.cookie);
  const { user } = await session.get('/core/users/me/', currentUserRow, { signal: request.signal });
  return user.groups.map(({ name }) => name);
}

export interface LogoutRequest {
  readonly flowSlug: string;
  readonly session: CoreSession;
  readonly remoteIp: string;
  readonly protocol: 'ldap' | 'radius';
  readonly signal: AbortSignal;
}

/** Runs the invalidation flow in the user's own session (F9). One GET ends an ordinary one; further stages are left alone. */
export async function logout(core: CoreClient, request: LogoutRequest): Promise<void> {
  const session = createFlowSession(core, { remoteIp: request.remoteIp }, request.session.cookie);
  await session.challenge(request.flowSlug, { [`goauthentik.io/outpost/${request.protocol}`]: 'true' }, request.signal);
}
