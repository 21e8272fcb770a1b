// Who may use an application (core.md §14.3): by its bindings; without any, by a flag of the settings.
import type { Selectable } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import { modeOf } from '../flows/planner.ts';
import type { FlowRequest } from '../flows/request.ts';
import type { UserRecord } from '../identity/users.ts';
import { evaluate } from '../policies/engine.ts';
import type { PolicyAnswer } from '../policies/kind.ts';

export type ApplicationRecord = Selectable<Tables['applications']>;

interface Question {
  readonly user: UserRecord | undefined;
  readonly request?: FlowRequest | undefined;
  readonly context?: Readonly<Record<string, unknown>>;
}

export function mayUseApplication(
  deps: CoreDeps,
  { pbm_uuid, policy_engine_mode }: Pick<ApplicationRecord, 'pbm_uuid' | 'policy_engine_mode'>,
  question: Question,
): Promise<PolicyAnswer> {
  const emptyResult = deps.settings.current().flags.core_default_app_access;
  return evaluate(deps, { pbm: pbm_uuid, mode: modeOf(policy_engine_mode) }, { ...question, emptyResult });
}
