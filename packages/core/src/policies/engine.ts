// Whether something is allowed (core.md §14.2): bindings to groups and users count as one result, each policy as another.
// No cache: a change holds at once. Policies that fail to run, or run too long, give their binding's failure result.
import type { Selectable } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import type { FlowRequest } from '../flows/request.ts';
import { isMember, type UserRecord } from '../identity/users.ts';
import { evaluators, type PolicyAnswer, type PolicyQuestion } from './evaluators.ts';

export interface PolicyTarget {
  readonly pbm: string;
  readonly mode: 'any' | 'all';
}
export interface PolicyInput {
  readonly user: UserRecord | undefined;
  readonly request?: FlowRequest | undefined;
  readonly context?: Readonly<Record<string, unknown>>;
  /** What no binding at all means. */
  readonly emptyResult?: boolean;
}

type Binding = Selectable<Tables['policy_bindings']>;

export async function evaluate(
  deps: CoreDeps,
  target: PolicyTarget,
  { user, request, context = {}, emptyResult = true }: PolicyInput,
): Promise<PolicyAnswer> {
  const bindings = await deps.database.kysely
    .selectFrom('policy_bindings')
    .selectAll()
    .where('target', '=', target.pbm)
    .where('enabled', '=', true)
    .orderBy('order')
    .execute();
  const results: PolicyAnswer[] = [];
  const fixed = bindings.filter(({ policy }) => policy === null);
  if (fixed.length > 0) results.push(await evaluateFixed(deps, fixed, target.mode, user));
  for (const binding of bindings)
    if (binding.policy !== null) results.push(await evaluatePolicy(binding, { deps, user, request, context }));
  const messages = results.flatMap((result) => result.messages);
  if (results.length === 0) return { passing: emptyResult, messages };
  const passing = ({ passing: ok }: PolicyAnswer) => ok;
  return { passing: target.mode === 'all' ? results.every(passing) : results.some(passing), messages };
}

/** Somebody without an account holds no binding, negated or not. */
async function evaluateFixed(
  deps: CoreDeps,
  bindings: readonly Binding[],
  mode: 'any' | 'all',
  user: UserRecord | undefined,
): Promise<PolicyAnswer> {
  let passing = 0;
  for (const { group, user: bound, negate } of bindings) {
    if (user === undefined) continue;
    const holds = group === null ? bound === user.id : await isMember(deps, user.id, group);
    if (holds !== negate) passing += 1;
  }
  return { passing: mode === 'all' ? passing === bindings.length : passing > 0, messages: [] };
}

async function evaluatePolicy(binding: Binding, question: PolicyQuestion): Promise<PolicyAnswer> {
  const { deps } = question;
  try {
    const policy = await deps.database.kysely
      .selectFrom('policies')
      .selectAll()
      .where('uuid', '=', binding.policy ?? '')
      .executeTakeFirstOrThrow();
    const run = evaluators[policy.kind];
    if (run === undefined) throw new Error(`Policies of kind ${policy.kind} cannot be evaluated.`);
    const answer = await withDeadline(run(policy.settings, question), binding.timeout);
    return { passing: answer.passing !== binding.negate, messages: answer.messages };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    deps.log.warn('policy failed', { policy: binding.policy ?? '', error: text });
    return { passing: binding.failure_result, messages: [text] };
  }
}

async function withDeadline<T>(work: Promise<T>, seconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The policy did not answer within ${seconds} s.`)), seconds * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
