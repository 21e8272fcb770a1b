// Which flow serves a purpose (core.md §15.4): the brand's own, else the first by slug whose policies pass for this visitor.
import { brandOfHost, brandValue } from '../brands/current.ts';
import type { CoreDeps } from '../deps.ts';
import { evaluate } from '../policies/engine.ts';
import { modeOf } from './planner.ts';
import type { FlowRequest } from './request.ts';
import { type FlowRecord, flowByKey, flowsFor } from './stored.ts';

type Designation = 'authentication' | 'invalidation' | 'recovery' | 'unenrollment';

export async function defaultFlow(
  deps: CoreDeps,
  request: FlowRequest,
  designation: Designation,
): Promise<FlowRecord | undefined> {
  const own = brandValue(await brandOfHost(deps, request.host), `flow_${designation}`);
  if (typeof own === 'string') {
    const flow = await flowByKey(deps, own);
    if (flow !== undefined) return flow;
  }
  for (const flow of await flowsFor(deps, designation)) {
    const target = { pbm: flow.pbm_uuid, mode: modeOf(flow.policy_engine_mode) };
    if ((await evaluate(deps, target, { user: request.user, request })).passing) return flow;
  }
  return undefined;
}

/** Slug of the flow with this key; `undefined` for no key and for a flow that is gone. */
export async function flowSlug(deps: CoreDeps, flow: unknown): Promise<string | undefined> {
  if (typeof flow !== 'string') return undefined;
  return (await flowByKey(deps, flow))?.slug;
}
