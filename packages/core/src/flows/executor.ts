// Drives one visitor through a flow (flow-executor.md §9.3, §9.4): continues or makes the plan, lets stages drop out by
// their policies, runs the stage in front, and turns its step into what the client gets.
import type { AccessDeniedChallenge, Challenge, FlowInfo, ResponseErrors } from '@gatehouse/contract/flow';
import type { CoreDeps } from '../deps.ts';
import { coreError } from '../errors.ts';
import { avatarOf } from '../identity/users.ts';
import { evaluate } from '../policies/engine.ts';
import { stageKinds } from '../stages/kinds.ts';
import type { Answer, Shown, StageContext, StageKind, Step } from '../stages/stage.ts';
import { flowBackground } from './background.ts';
import { isRelative } from './next.ts';
import {
  addToHistory,
  findPlan,
  historyKey,
  keepPlan,
  type Plan,
  type PlannedStage,
  planKey,
  queryKey,
} from './plan.ts';
import { planFlow, subjectOf } from './planner.ts';
import type { FlowRequest } from './request.ts';
import { createStageContext, fallbackAvatar } from './stage-context.ts';
import { type FlowRecord, flowBySlug, stageByKey } from './stored.ts';

export type FlowAnswer =
  | { readonly kind: 'challenge'; readonly challenge: Challenge }
  /** More to come at the same address. */
  | { readonly kind: 'again' };

/** An answer of the visitor, or `undefined` for a look. */
export async function executeFlow(
  deps: CoreDeps,
  flow: FlowRecord,
  request: FlowRequest,
  answer: Answer | undefined,
): Promise<FlowAnswer> {
  request.session.data[queryKey] = request.query.toString();
  const { name, plan: stored } = findPlan(request.session.data, flow.uuid, request.query.get('next'));
  const run: Run = { deps, flow, request, planName: name };
  if (isBehind(run, stored, answer)) return goOn(run, {});
  const plan = stored ?? (await makePlan(run, {}));
  if ('kind' in plan) return plan;
  return runPlan(run, plan, answer);
}

interface Run {
  readonly deps: CoreDeps;
  readonly flow: FlowRecord;
  readonly request: FlowRequest;
  /** Under which the session keeps the plan. */
  readonly planName: string;
}

/** As long as a tab may be on its way through a flow whose last step another tab has made. */
const justNowMs = 10_000;

/**
 * Somebody who has logged in in another tab: his question has come with the key of before, or just behind that login, or he answers
 * a stage that is over. He goes on to where this tab was led from.
 */
function isBehind({ deps, flow, request }: Run, stored: Plan | undefined, answer: Answer | undefined): boolean {
  const { session, user, query } = request;
  if (flow.designation !== 'authentication') return false;
  if (session.isPassing === true) return true;
  if (user === undefined || stored !== undefined) return false;
  const at = session.data['auth_time'];
  const isJustNow = typeof at === 'number' && deps.clock.now() - at < justNowMs;
  return answer !== undefined || (isJustNow && query.has('next'));
}

async function makePlan(run: Run, context: Plan['context']): Promise<Plan | FlowAnswer> {
  const { deps, flow, request } = run;
  delete request.session.data[historyKey];
  const planning = await planFlow(deps, flow, request, context);
  if (planning.kind === 'planned') return planning.plan;
  if (flow.designation === 'authentication' && request.user !== undefined) return finish(run, {});
  return refuse(run, planning.message);
}

async function runPlan(run: Run, plan: Plan, answer: Answer | undefined): Promise<FlowAnswer> {
  const { deps, request, planName } = run;
  const planned = await nextStage(run, plan);
  if (planned === undefined) return finish(run, plan.context);
  const { kind, context, stageType } = await load(run, plan, planned);
  keepPlan(request.session.data, planName, plan);
  const startedMs = deps.clock.monotonicMs();
  const takesAnswer = answer !== undefined && kind.answer !== undefined;
  const step = takesAnswer ? await kind.answer(context, answer) : await kind.show(context);
  const labels = { stage_type: stageType, method: takesAnswer ? 'post' : 'get' };
  deps.metrics.stageSeconds.observe(labels, (deps.clock.monotonicMs() - startedMs) / 1000);
  request.pending = undefined;
  deps.log.debug('stage', { stage: context.stage.name, step: step.step, request_id: request.requestId });
  return follow(run, plan, planned, { kind, context, stageType }, step);
}

interface Loaded {
  readonly kind: StageKind;
  readonly context: StageContext;
  /** `authentik_stages_password.passwordstage` */
  readonly stageType: string;
}

/** The first stage whose policies still hold; those in front of it are dropped. */
async function nextStage({ deps, request }: Run, plan: Plan): Promise<PlannedStage | undefined> {
  for (;;) {
    const [planned] = plan.stages;
    if (planned === undefined || !planned.reEvaluate || planned.pbm === undefined) return planned;
    const user = () => subjectOf(deps, plan.context, request);
    const context = { ...plan.context, flow_plan: { context: plan.context } };
    const target = { pbm: planned.pbm, mode: planned.engineMode };
    const { passing } = await evaluate(deps, target, { user, request, context });
    if (passing) return planned;
    plan.stages.shift();
  }
}

async function load({ deps, flow, request }: Run, plan: Plan, { stage }: PlannedStage): Promise<Loaded> {
  const stored = 'pk' in stage ? await stageByKey(deps, stage.pk) : { uuid: '', ...stage };
  const kind = stored === undefined ? undefined : stageKinds.get(stored.kind);
  if (stored === undefined || kind === undefined) {
    const what = stored === undefined ? 'a stage that is gone' : `a stage of the unsupported kind ${stored.kind}`;
    throw coreError('ERR_CORE_FLOW', `Flow ${flow.slug} leads to ${what}.`, 'Correct the flow and start it anew.');
  }
  const context = createStageContext({ deps, flow, request, plan, kind, stored });
  return { kind, context, stageType: stored.kind };
}

async function follow(run: Run, plan: Plan, planned: PlannedStage, loaded: Loaded, step: Step): Promise<FlowAnswer> {
  switch (step.step) {
    case 'show':
      return show(run, plan, step.challenge);
    case 'invalid':
      return again(run, plan, planned, loaded, step.errors);
    case 'ok':
      return advance(run, plan);
    case 'deny':
      dropPlan(run);
      return denied(run, plan, step.message);
    case 'leave':
      dropPlan(run);
      return { kind: 'challenge', challenge: { flow_info: await flowInfo(run, plan), ...redirectTo(step.to) } };
    case 'continue in':
      return continueIn(run, step);
  }
}

async function advance(run: Run, plan: Plan): Promise<FlowAnswer> {
  const { data } = run.request.session;
  addToHistory(data, plan);
  plan.stages.shift();
  if (plan.stages.length === 0) return finish(run, plan.context);
  keepPlan(data, run.planName, plan);
  return { kind: 'again' };
}

async function again(
  run: Run,
  plan: Plan,
  { invalidResponse }: PlannedStage,
  { kind, context }: Loaded,
  errors: ResponseErrors,
): Promise<FlowAnswer> {
  if (invalidResponse === 'retry') {
    const step = await kind.show(context);
    if (step.step === 'show') return show(run, plan, step.challenge, errors);
    return { kind: 'again' };
  }
  const fresh = await makePlan(run, invalidResponse === 'restart_with_context' ? plan.context : {});
  if ('kind' in fresh) return fresh;
  keepPlan(run.request.session.data, run.planName, fresh);
  return { kind: 'again' };
}

async function finish(run: Run, context: Plan['context']): Promise<FlowAnswer> {
  dropPlan(run);
  return goOn(run, context);
}

/** Redirects inside the plan's context win over the page's `next`, which must stay on this site. */
async function goOn(run: Run, context: Plan['context']): Promise<FlowAnswer> {
  const { deps, request } = run;
  const own = context['redirect'];
  if (typeof own === 'string') return redirect(own);
  const next = request.query.get('next');
  if (next === null) return redirect(deps.webPath);
  return isRelative(next) ? redirect(next) : denied(run, undefined, 'Invalid next URL');
}

async function refuse(run: Run, message: string): Promise<FlowAnswer> {
  const { deps, flow, request } = run;
  dropPlan(run);
  const next = request.query.get('next');
  if (flow.denied_action !== 'message' && next !== null && isRelative(next)) return redirect(next);
  if (flow.denied_action === 'continue') return redirect(deps.webPath);
  return denied(run, undefined, message);
}

async function continueIn(run: Run, { flow: slug, context, finally: last }: Extract<Step, { step: 'continue in' }>) {
  const { deps, request } = run;
  dropPlan(run);
  const flow = await flowBySlug(deps, slug);
  if (flow === undefined) return denied(run, undefined, `There is no flow ${slug}.`);
  const planning = await planFlow(deps, flow, request, { ...context, is_redirected: true });
  if (planning.kind === 'not applicable') return denied(run, undefined, planning.message);
  if (last !== undefined) planning.plan.stages.push(last);
  keepPlan(request.session.data, planKey, planning.plan);
  return redirect(`${deps.webPath}if/flow/${slug}/`);
}

function dropPlan({ request: { session }, planName }: Run): void {
  delete session.data[planName];
  delete session.data[queryKey];
}

async function show(run: Run, plan: Plan, challenge: Shown, errors?: ResponseErrors): Promise<FlowAnswer> {
  const complete = {
    flow_info: await flowInfo(run, plan),
    ...challenge,
    ...(errors === undefined ? {} : { response_errors: errors }),
  };
  return { kind: 'challenge', challenge: complete as Challenge }; // `Shown` is a challenge less the two fields added here
}

async function denied(run: Run, plan: Plan | undefined, message: string | undefined): Promise<FlowAnswer> {
  const { deps, request } = run;
  const user = plan === undefined ? request.user : await subjectOf(deps, plan.context, request);
  const challenge: AccessDeniedChallenge = {
    flow_info: await flowInfo(run, plan),
    component: 'ak-stage-access-denied',
    pending_user: user?.username ?? '',
    pending_user_avatar: user === undefined ? await deps.files.url(fallbackAvatar) : avatarOf(user),
    ...(message === undefined || message === '' ? {} : { error_message: message }),
  };
  return { kind: 'challenge', challenge };
}

const redirectTo = (to: string) => ({ component: 'xak-flow-redirect', to }) as const;
const redirect = (to: string): FlowAnswer => ({ kind: 'challenge', challenge: redirectTo(to) });

async function flowInfo({ deps, flow, request }: Run, plan: Plan | undefined): Promise<FlowInfo> {
  const next = request.query.get('next');
  const application = plan?.context['application'];
  const app: unknown =
    typeof application === 'object' && application !== null ? Reflect.get(application, 'name') : undefined;
  return {
    title: flow.title
      .replaceAll('%(app)s', typeof app === 'string' ? app : '')
      .replaceAll('%(user)s', request.user?.username ?? ''),
    ...(await flowBackground(deps, flow.background, request.host)),
    cancel_url: `${deps.webPath}flows/-/cancel/${next === null ? '' : `?next=${encodeURIComponent(next)}`}`,
    layout: flow.layout,
  };
}
