// Whom a flow is about: read together with the visitor's session, or by itself where a stage may have written to it since.
import type { CoreDeps } from '../deps.ts';
import { findUser, type UserRecord } from '../identity/users.ts';
import type { FlowRequest } from './request.ts';

export async function findPending(
  deps: CoreDeps,
  { pending }: FlowRequest,
  pk: number,
): Promise<UserRecord | undefined> {
  return pending?.id === pk ? pending : findUser(deps, pk);
}
