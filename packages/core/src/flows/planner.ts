// Makes plans (flow-executor.md §9.2). Plans are never kept for others: a change of a flow, stage or binding holds at once.
import type { CoreDeps } from '../deps.ts';
import type { UserRecord } from '../identity/users.ts';
import { evaluate } from '../policies/engine.ts';
import { findPending } from './pending.ts';
import { type Plan, type PlannedStage, pendingUserOf } from './plan.ts';
import type { FlowRequest } from './request.ts';
import { type FlowRecord, stageBindingsOf } from './stored.ts';

export type Planning =
  | { readonly kind: 'planned'; readonly plan: Plan }
  | { readonly kind: 'not applicable'; readonly message: string };

const notApplicable = 'Flow does not apply to current user.';

export async function planFlow(
  deps: CoreDeps,
  flow: FlowRecord,
  request: FlowRequest,
  given: Plan['context'] = {},
): Promise<Planning> {
  if (!meetsRequirement(flow, request, given)) return { kind: 'not applicable', message: notApplicable };
  const context: Plan['context'] = {
    ...given,
    ...(request.outpost === undefined ? {} : { outpost: { username: request.outpost.username } }),
  };
  const startedMs = deps.clock.monotonicMs();
  const user = () => subjectOf(deps, context, request);
  const target = { pbm: flow.pbm_uuid, mode: modeOf(flow.policy_engine_mode) };
  const { passing, messages } = await evaluate(deps, target, { user, request, context });
  if (!passing) return { kind: 'not applicable', message: messages.join('\n') || notApplicable };
  const stages = await plannedStages(deps, flow, request, context, user);
  deps.metrics.planSeconds.observe({ flow_slug: flow.slug }, (deps.clock.monotonicMs() - startedMs) / 1000);
  return { kind: 'planned', plan: { version: 1, flow: flow.uuid, madeMs: deps.clock.now(), stages, context } };
}

/** Whom policies are asked about: the pending user if there is one, else who is logged in. */
export async function subjectOf(
  deps: CoreDeps,
  context: Plan['context'],
  request: FlowRequest,
): Promise<UserRecord | undefined> {
  const pending = pendingUserOf(context);
  if (pending === undefined) return request.user;
  return 'pk' in pending ? findPending(deps, request, pending.pk) : undefined;
}

export const modeOf = (value: string): 'any' | 'all' => (value === 'all' ? 'all' : 'any');

function meetsRequirement(flow: FlowRecord, request: FlowRequest, context: Plan['context']): boolean {
  switch (flow.authentication) {
    case 'none':
      return true;
    case 'require_authenticated':
      return request.user !== undefined;
    case 'require_unauthenticated':
      return request.user === undefined;
    case 'require_superuser':
      return request.userIsSuperuser;
    case 'require_redirect':
      return context['is_redirected'] !== undefined;
    case 'require_outpost':
      return request.outpost !== undefined;
    default:
      return false; // an unknown requirement is met by nobody
  }
}

async function plannedStages(
  deps: CoreDeps,
  flow: FlowRecord,
  request: FlowRequest,
  context: Plan['context'],
  user: () => Promise<UserRecord | undefined>,
): Promise<PlannedStage[]> {
  const bindings = await stageBindingsOf(deps, flow.uuid);
  const stages: PlannedStage[] = [];
  for (const binding of bindings) {
    const engineMode = modeOf(binding.policy_engine_mode);
    if (binding.evaluate_on_plan) {
      const input = { user, request, context: { ...context, flow_plan: { context } } };
      const { passing } = await evaluate(deps, { pbm: binding.pbm_uuid, mode: engineMode }, input);
      if (!passing) continue;
    }
    stages.push({
      binding: binding.uuid,
      pbm: binding.pbm_uuid,
      engineMode,
      reEvaluate: binding.re_evaluate_policies,
      invalidResponse: invalidResponseOf(binding.invalid_response_action),
      stage: { pk: binding.stage },
    });
  }
  return stages;
}

function invalidResponseOf(value: string): PlannedStage['invalidResponse'] {
  return value === 'restart' || value === 'restart_with_context' ? value : 'retry';
}
