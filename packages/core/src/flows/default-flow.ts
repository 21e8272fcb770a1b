// Which flow serves a purpose (core.md §15.4): the brand's own, else the first by slug whose policies pass for this visitor.
import { brandOfHost, brandValue } from '../brands/current.ts';
import type { CoreDeps } from '../deps.ts';
import { evaluate } from '../policies/engine.ts';
import { type FlowRecord, modeOf } from './planner.ts';
import type { FlowRequest } from './request.ts';

type Designation = 'authentication' | 'invalidation' | 'recovery' | 'unenrollment';

export async function defaultFlow(
  deps: CoreDeps,
  request: FlowRequest,
  designation: Designation,
): Promise<FlowRecord | undefined> {
  const { kysely } = deps.database;
  const own = brandValue(await brandOfHost(deps, request.host), `flow_${designation}`);
  if (typeof own === 'string') {
    const flow = await kysely.selectFrom('flows').selectAll().where('uuid', '=', own).executeTakeFirst();
    if (flow !== undefined) return flow;
  }
  const flows = await kysely
    .selectFrom('flows')
    .selectAll()
    .where('designation', '=', designation)
    .orderBy('slug')
    .execute();
  for (const flow of flows) {
    const target = { pbm: flow.pbm_uuid, mode: modeOf(flow.policy_engine_mode) };
    if ((await evaluate(deps, target, { user: request.user, request })).passing) return flow;
  }
  return undefined;
}

/** Slug of the flow with this key; `undefined` for no key and for a flow that is gone. */
export async function flowSlug({ database }: CoreDeps, flow: unknown): Promise<string | undefined> {
  if (typeof flow !== 'string') return undefined;
  const row = await database.kysely.selectFrom('flows').select('slug').where('uuid', '=', flow).executeTakeFirst();
  return row?.slug;
}
