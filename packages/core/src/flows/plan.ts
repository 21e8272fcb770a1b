// A plan: which stages a visitor still has to pass in a flow, and what is known so far (flow-executor.md §9.1). Kept as
// plain JSON in the session, with a version.
import { z } from 'zod';
import { cleanse } from '../events/cleanse.ts';

const planned = z.object({
  /** Stage binding; absent for stages that code put in. */
  binding: z.string().optional(),
  pbm: z.string().optional(),
  engineMode: z.enum(['any', 'all']).default('any'),
  reEvaluate: z.boolean().default(false),
  invalidResponse: z.enum(['retry', 'restart', 'restart_with_context']).default('retry'),
  /** A stored stage, or a kind with its settings. */
  stage: z.union([
    z.object({ pk: z.string() }),
    z.object({ kind: z.string(), name: z.string(), settings: z.record(z.string(), z.unknown()) }),
  ]),
});
export type PlannedStage = z.infer<typeof planned>;

const plan = z.object({
  version: z.literal(1),
  flow: z.string(),
  stages: z.array(planned),
  context: z.record(z.string(), z.unknown()),
});
/** `context` uses the keys of flow-executor.md §9.6; `pending_user` is `{pk}` or, for nobody we know, `{username}`. */
export type Plan = z.infer<typeof plan>;

export const planKey = 'authentik/flows/plan';
export const queryKey = 'authentik/flows/get';
/** In a plan's context: where a visitor goes who cancels it. Set by the core only, to an address that it trusts. */
export const cancelledKey = 'gatehouse/cancelled';
export const historyKey = 'authentik/flows/history';

/** The session's plan; `undefined` without one, or if it is of another release. */
export function readPlan(data: Readonly<Record<string, unknown>>): Plan | undefined {
  return plan.safeParse(data[planKey]).data;
}

const longestHistory = 20;

/** Plans as they were before each stage that was passed, secrets masked: for the inspector. */
export function historyOf(data: Readonly<Record<string, unknown>>): Plan[] {
  return z.array(plan).safeParse(data[historyKey]).data ?? [];
}

export function addToHistory(data: Record<string, unknown>, passed: Plan): void {
  const before = data[historyKey];
  const copy = { ...passed, stages: [...passed.stages], context: cleanse(passed.context) };
  data[historyKey] = [...(Array.isArray(before) ? before : []), copy].slice(-longestHistory);
}

export const pendingUserRef = z.union([z.object({ pk: z.number() }), z.object({ username: z.string() })]);
export type PendingUserRef = z.infer<typeof pendingUserRef>;

export function pendingUserOf(context: Plan['context']): PendingUserRef | undefined {
  return pendingUserRef.safeParse(context['pending_user']).data;
}
