// Whether a user may use an application by OAuth2 (core.md §14.3): its policies are asked each time, with what was asked for.
import { mayUseApplication } from '../applications/access.ts';
import type { CoreDeps } from '../deps.ts';
import type { FlowRequest } from '../flows/request.ts';
import type { UserRecord } from '../identity/users.ts';
import type { PolicyAnswer } from '../policies/kind.ts';
import type { Client } from './client.ts';

export interface AccessQuestion {
  readonly client: Client;
  readonly user: UserRecord;
  readonly request?: FlowRequest | undefined;
  /** Keys of core.md §14.3: `oauth_scopes`, `oauth_grant_type` and so on. */
  readonly oauth: Readonly<Record<string, unknown>>;
}

export function mayUse(deps: CoreDeps, { client, user, request, oauth }: AccessQuestion): Promise<PolicyAnswer> {
  const { pbm, mode } = client.application;
  const context = { application: applicationContext(client), ...oauth };
  return mayUseApplication(deps, { pbm_uuid: pbm, policy_engine_mode: mode }, { user, request, context });
}

/** The application as plans hold it. */
export function applicationContext({ application }: Client) {
  return { pk: application.pbm, name: application.name, slug: application.slug };
}
