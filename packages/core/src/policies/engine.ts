// Whether something is allowed (core.md §14.2): bindings to groups and users count as one result, each policy as another.
// Answers are never kept: a change holds at once. Policies that fail to run, or run too long, give their binding's failure result.
import type { Selectable } from 'kysely';
import type { Statement } from '../database/connection.ts';
import { together } from '../database/gathered.ts';
import { groupedBy } from '../database/grouped.ts';
import { remembered } from '../database/remembered.ts';
import type { Tables } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import type { FlowRequest } from '../flows/request.ts';
import { isMember, type UserRecord } from '../identity/users.ts';
import { evaluators } from './evaluators.ts';
import type { PolicyAnswer, PolicyQuestion } from './kind.ts';

export interface PolicyTarget {
  readonly pbm: string;
  readonly mode: 'any' | 'all';
}
export interface PolicyInput {
  /** A function is called if there is anything to ask. */
  readonly user: UserRecord | undefined | (() => Promise<UserRecord | undefined>);
  readonly request?: FlowRequest | undefined;
  /** Handed to policies as it is: expressions may change what is in it. */
  readonly context?: Record<string, unknown>;
  /** What no binding at all means. */
  readonly emptyResult?: boolean;
}

type Binding = Readonly<Selectable<Tables['policy_bindings']>>;
type Asked = Omit<PolicyQuestion, 'signal' | 'callPolicy'>;

export async function evaluate(
  deps: CoreDeps,
  target: PolicyTarget,
  { user: whom, request, context = {}, emptyResult = true }: PolicyInput,
): Promise<PolicyAnswer> {
  const bindings = await bindingsOf(deps, target.pbm);
  if (bindings.length === 0) return { passing: emptyResult, messages: [] };
  const user = typeof whom === 'function' ? await whom() : whom;
  const results: PolicyAnswer[] = [];
  const fixed = bindings.filter(({ policy }) => policy === null);
  if (fixed.length > 0) results.push(await evaluateFixed(deps, fixed, target.mode, user));
  for (const binding of bindings)
    if (binding.policy !== null) results.push(await evaluatePolicy(binding, { deps, user, request, context }));
  const messages = results.flatMap((result) => result.messages);
  const passing = ({ passing: ok }: PolicyAnswer) => ok;
  return { passing: target.mode === 'all' ? results.every(passing) : results.some(passing), messages };
}

/** Enabled bindings of a target, in order. */
const bindingsOf = remembered(
  together(async ({ database }: CoreDeps, targets: readonly string[]) => {
    const found = groupedBy(await database.rows(enabledBindings, [targets]), ({ target }) => target);
    return targets.map((target) => found.get(target) ?? []);
  }),
);

const enabledBindings: Statement<Binding> = {
  name: 'policy bindings: of targets',
  text: `select * from policy_bindings where target = any($1::uuid[]) and enabled order by "order", uuid`,
};

const findPolicy = remembered(
  together(async ({ database }: CoreDeps, keys: readonly string[]) => {
    const found = new Map((await database.rows(policiesByKey, [keys])).map((policy) => [policy.uuid, policy]));
    return keys.map((key) => found.get(key));
  }),
);

const policiesByKey: Statement<Selectable<Tables['policies']>> = {
  name: 'policies: by key',
  text: 'select * from policies where uuid = any($1::uuid[])',
};

async function policyByKey(deps: CoreDeps, key: string) {
  const policy = await findPolicy(deps, key);
  if (policy === undefined) throw new Error(`There is no policy ${key}.`);
  return policy;
}

const listedTimeoutSeconds = 30;

/** Policies that something names itself, in its order; all must pass (core.md §14.3, prompt stages). */
export async function evaluateList(
  deps: CoreDeps,
  policies: readonly string[],
  { user: whom, request, context = {} }: PolicyInput,
): Promise<PolicyAnswer> {
  const user = typeof whom === 'function' ? await whom() : whom;
  const asked = { deps, user, request, context };
  const results: PolicyAnswer[] = [];
  for (const policy of policies)
    results.push(
      await evaluatePolicy({ policy, negate: false, timeout: listedTimeoutSeconds, failure_result: false }, asked),
    );
  return {
    passing: results.every(({ passing }) => passing),
    messages: results.flatMap(({ messages }) => messages),
  };
}

/** Somebody without an account holds no binding, negated or not. */
async function evaluateFixed(
  deps: CoreDeps,
  bindings: readonly Binding[],
  mode: 'any' | 'all',
  user: UserRecord | undefined,
): Promise<PolicyAnswer> {
  const holds = async ({ group, user: bound, negate }: Binding) => {
    if (user === undefined) return false;
    return (group === null ? bound === user.id : await isMember(deps, user.id, group)) !== negate;
  };
  const results = await Promise.all(bindings.map(holds));
  return { passing: mode === 'all' ? results.every(Boolean) : results.some(Boolean), messages: [] };
}

/** How a policy is to be run; a stored binding is one of these. */
export type PolicyUse = Pick<Binding, 'policy' | 'negate' | 'timeout' | 'failure_result'> & { readonly uuid?: string };

/** The answer of one policy; never throws. */
export async function evaluatePolicy(use: PolicyUse, asked: Asked): Promise<PolicyAnswer> {
  const { deps } = asked;
  const startedMs = deps.clock.monotonicMs();
  const measure = (kind: string, result: string) =>
    deps.metrics.policySeconds.observe({ kind, result }, (deps.clock.monotonicMs() - startedMs) / 1000);
  let kind = '';
  try {
    const policy = await policyByKey(deps, use.policy ?? '');
    kind = policy.kind;
    const run = evaluators[policy.kind];
    if (run === undefined) throw new Error(`Policies of kind ${policy.kind} cannot be evaluated.`);
    const callPolicy: PolicyQuestion['callPolicy'] = (name, context) => askByName(name, use, asked, context);
    const answer = await withDeadline((signal) => run(policy.settings, { ...asked, callPolicy, signal }), use.timeout);
    const result = { ...answer, passing: answer.passing !== use.negate };
    measure(kind, result.passing ? 'passed' : 'refused');
    if (policy.settings['execution_logging'] === true) await note('policy_execution', use, asked, { result });
    return result;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    measure(kind, 'failed');
    deps.log.warn('policy failed', { policy: use.policy ?? '', error: text });
    await note('policy_exception', use, asked, { message: text });
    return { passing: use.failure_result, messages: [text] };
  }
}

const callsKey = 'gatehouse/policy_calls';
const mostCalls = 16;

/** For policies that ask others; how deep they do is limited, so that two cannot ask each other for ever. */
async function askByName(
  name: string,
  { timeout }: PolicyUse,
  asked: Asked,
  given: Record<string, unknown>,
): Promise<PolicyAnswer> {
  const calls = Number(asked.context[callsKey] ?? 0) + 1;
  if (calls > mostCalls) throw new Error(`Policies ask each other more than ${mostCalls} deep.`);
  const { uuid } = await asked.deps.database.kysely
    .selectFrom('policies')
    .select('uuid')
    .where('name', '=', name)
    .executeTakeFirstOrThrow(() => new Error(`There is no policy ${name}.`));
  const context = { ...asked.context, ...given, [callsKey]: calls };
  return evaluatePolicy({ policy: uuid, negate: false, timeout, failure_result: false }, { ...asked, context });
}

async function note(
  action: 'policy_execution' | 'policy_exception',
  { policy, uuid }: PolicyUse,
  { deps, user, request }: Asked,
  context: Record<string, unknown>,
): Promise<void> {
  await recordEvent(deps, {
    action,
    app: 'authentik.policies',
    user,
    ...(request === undefined ? {} : { request }),
    context: { policy_uuid: policy, binding: uuid ?? null, ...context },
  });
}

/** Aborts the work at its deadline and stops waiting for it; 0 seconds is no time at all. */
async function withDeadline<T>(work: (signal: AbortSignal) => Promise<T>, seconds: number): Promise<T> {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`The policy did not answer within ${seconds} s.`);
      abort.abort(error);
      reject(error);
    }, seconds * 1000);
  });
  try {
    return await Promise.race([work(abort.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
