// Whether a user may use an application by OAuth2 (core.md §14.3): its policies are asked each time, with what was asked for.
import type { CoreDeps } from '../deps.ts';
import { modeOf } from '../flows/planner.ts';
import type { FlowRequest } from '../flows/request.ts';
import type { UserRecord } from '../identity/users.ts';
import { evaluate } from '../policies/engine.ts';
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
  const { application } = client;
  const context = { application: applicationContext(client), ...oauth };
  const target = { pbm: application.pbm, mode: modeOf(application.mode) };
  const emptyResult = deps.settings.current().flags.core_default_app_access;
  return evaluate(deps, target, { user, request, context, emptyResult });
}

/** The application as plans hold it. */
export function applicationContext({ application }: Client) {
  return { pk: application.pbm, name: application.name, slug: application.slug };
}
