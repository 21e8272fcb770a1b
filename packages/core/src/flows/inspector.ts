// `/api/v3/flows/inspector/<slug>/` (flow-executor.md §13): what a plan holds, for whoever builds flows. Secrets are masked
// before they are kept for it.
import { z } from 'zod';
import { anything } from '../api/answers.ts';
import { ApiFailure, notFound } from '../api/failure.ts';
import type { ApiRequest } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { cleanse } from '../events/cleanse.ts';
import { may } from '../identity/permissions.ts';
import { represent } from '../models/represent.ts';
import { stageBindingModel } from './models.ts';
import { historyOf, type Plan, type PlannedStage, plansOf } from './plan.ts';

const inspectedPlan = z.object({
  current_stage: z.looseObject({ pk: z.string() }).nullable(),
  next_planned_stage: z.looseObject({ pk: z.string() }).nullable(),
  plan_context: anything,
  session_id: z.string(),
});

/** Where a visitor is in a flow, and where he was. */
export const inspectionShape = z.object({
  plans: z.array(inspectedPlan),
  current_plan: inspectedPlan,
  is_completed: z.boolean(),
});

export function registerInspector(api: Api, deps: CoreDeps): void {
  const operation = { summary: 'The plan of a visitor', answer: inspectionShape };
  api.get('/api/v3/flows/inspector/:slug/', { config: { operation } }, async (request) => {
    const { principal, session } = request.caller;
    const flow = await flowOf(deps, request);
    if (flow === undefined || principal === undefined || !may(principal, 'authentik_flows.inspect_flow', flow.uuid))
      throw notFound('Flow');
    const history = historyOf(session?.data ?? {});
    const current = plansOf(session?.data ?? {})[0]?.plan;
    const shown = current ?? history.at(-1);
    if (shown === undefined) throw new ApiFailure(400, {});
    const id = session?.id ?? '';
    const plans = [];
    for (const plan of history) plans.push(await describe(deps, plan, id));
    return { plans, current_plan: await describe(deps, shown, id), is_completed: current === undefined };
  });
}

async function flowOf({ database }: CoreDeps, { params }: ApiRequest) {
  const slug: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'slug') : '';
  return database.kysely.selectFrom('flows').select('uuid').where('slug', '=', String(slug)).executeTakeFirst();
}

async function describe(deps: CoreDeps, { stages, context }: Plan, session: string) {
  return {
    current_stage: await describeStage(deps, stages[0]),
    next_planned_stage: await describeStage(deps, stages[1]),
    plan_context: cleanse(context),
    session_id: session,
  };
}

async function describeStage(deps: CoreDeps, planned: PlannedStage | undefined) {
  if (planned?.binding === undefined) return null;
  const rows = await deps.database.kysely
    .selectFrom('stage_bindings')
    .selectAll()
    .where('uuid', '=', planned.binding)
    .execute();
  const [shown = null] = await represent(deps, stageBindingModel, rows, new URLSearchParams());
  return shown;
}
