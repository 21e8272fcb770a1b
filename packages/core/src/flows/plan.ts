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
  /** When it was made; of several the newest is shown to inspectors. */
  madeMs: z.number().default(0),
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

type SessionData = Readonly<Record<string, unknown>>;

/** Of one visitor; each tab on its way to an application has one. */
const mostPlans = 8;

/**
 * Under which name a session keeps the plan of a page: one for each application that pages lead to, so that tabs on their way to
 * different ones do not disturb each other, and one for all others.
 */
export function planNameFor(next: string | null): string {
  const [path = '', query = ''] = next?.split('?', 2) ?? [];
  const client = path.endsWith('/application/o/authorize/') ? new URLSearchParams(query).get('client_id') : null;
  const application = client ?? /\/application\/(launch\/[^/]+)\/$/.exec(path)?.[1];
  return application === undefined ? planKey : `${planKey}:${application.slice(0, 255)}`;
}

/** The plan of this name; `undefined` without one, or if it is of another release. */
export function readPlan(data: SessionData, name: string = planKey): Plan | undefined {
  return plan.safeParse(data[name]).data;
}

/** A visitor's place in a flow, and the name under which it is kept. */
export interface KeptPlan {
  readonly name: string;
  readonly plan: Plan | undefined;
}

/** What a page continues: its own plan, else that of a page that leads nowhere in particular, as which it counts if it does not. */
export function findPlan(data: SessionData, flow: string, next: string | null): KeptPlan {
  const name = planNameFor(next);
  const own = readPlan(data, name);
  if (own?.flow === flow) return { name, plan: own };
  const others = plansOf(data).filter((kept) => kept.plan.flow === flow);
  const shared = name === planKey ? others[0] : others.find((kept) => kept.name === planKey);
  return shared ?? { name, plan: undefined };
}

/** All plans of a session, the newest first. */
export function plansOf(data: SessionData) {
  return Object.keys(data)
    .filter(isPlanName)
    .flatMap((name) => {
      const found = readPlan(data, name);
      return found === undefined ? [] : [{ name, plan: found }];
    })
    .sort((one, other) => other.plan.madeMs - one.plan.madeMs);
}

/** Keeps a plan; of too many the oldest is forgotten. */
export function keepPlan(data: Record<string, unknown>, name: string, kept: Plan): void {
  data[name] = kept;
  for (const { name: old } of plansOf(data).slice(mostPlans)) if (old !== name) delete data[old];
}

/** Whoever has logged in goes on in every tab: what other tabs asked of nobody is over. */
export function dropPlans(data: Record<string, unknown>): void {
  for (const name of Object.keys(data)) if (isPlanName(name)) delete data[name];
}

const isPlanName = (name: string) => name === planKey || name.startsWith(`${planKey}:`);

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
