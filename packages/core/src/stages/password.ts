// Password (flow-executor.md §11.2). Attempts are counted in the plan itself, so that the limit always holds (Beyond F24).
import { z } from 'zod';
import { brandOfHost, brandValue } from '../brands/current.ts';
import { recordEvent } from '../events/record.ts';
import { flowSlug } from '../flows/default-flow.ts';
import { choice, flag, integer, reference, setting } from '../models/field.ts';
import { attemptOf, loginFailed, loginWaitSeconds } from '../policies/login-brake.ts';
import { lowerReputation } from '../policies/reputation.ts';
import { authenticate, backendsOf, inTwo, knownBackends } from './password-backends.ts';
import { deny, invalid, ok, type StageContext, type StageKind, type Step, stageModel, textOf } from './stage.ts';

const attemptsKey = 'goauthentik.io/stages/password/attempts';

export const passwordStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_password.passwordstage',
    noun: 'Password Stage',
    path: 'password',
    component: 'ak-stage-password-form',
    fields: {
      backends: setting(z.array(choice(...knownBackends))),
      configure_flow: reference({ name: 'configure_flow', in: 'setting', table: 'flows', key: 'uuid' }),
      failed_attempts_before_cancel: setting(integer.min(0), { initial: 5 }),
      allow_show_password: setting(flag, { initial: false }),
    },
  }),

  async show(context) {
    const { settings } = context;
    const recovery_url = await recoveryUrl(context);
    return {
      step: 'show',
      challenge: {
        component: 'ak-stage-password',
        ...(await context.userInfo()),
        ...(recovery_url === undefined ? {} : { recovery_url }),
        allow_show_password: settings['allow_show_password'] === true,
      },
    };
  },

  async answer(context, answer) {
    const { deps, plan, request, settings } = context;
    if (!('password' in answer)) return invalid('password', 'This field is required.', 'required');
    const password = textOf(answer, 'password');
    if (password === '') return invalid('password', 'This field may not be blank.', 'blank');
    const user = await context.pendingUser();
    if (user === undefined) return deny('Unknown error');
    const { hashless, others } = inTwo(backendsOf(settings));
    const [wait, passed] = await Promise.all([
      loginWaitSeconds(deps, attemptOf(user.username, request)),
      authenticate(deps, hashless, user.record, password),
    ]);
    if (wait > 0) return tooManyAttempts('password', wait);
    const backend = passed ?? (await authenticate(deps, others, user.record, password));
    if (backend !== undefined) {
      plan.context['user_backend'] = backend.name;
      plan.context['auth_method'] = backend.method;
      return ok;
    }
    await passwordFailed(context, user.username);
    const attempts = Number(plan.context[attemptsKey] ?? 0) + 1;
    plan.context[attemptsKey] = attempts;
    const limit = Number(settings['failed_attempts_before_cancel']);
    return limit > 0 && attempts >= limit ? deny('Invalid password') : invalid('password', 'Invalid password');
  },
};

/** What everybody must know of a wrong password: events, reputation, the brake. */
export async function passwordFailed({ deps, request, stage }: StageContext, username: string): Promise<void> {
  await recordEvent(deps, {
    action: 'login_failed',
    app: 'authentik.stages.password',
    request,
    context: { username, stage: stage.name },
  });
  await lowerReputation(deps, username, request.clientIp);
  await loginFailed(deps, attemptOf(username, request));
}

export function tooManyAttempts(field: string, seconds: number): Step {
  return invalid(field, `Too many failed attempts. Try again in ${seconds} s.`, 'throttled');
}

/** The brand's way to a new password. */
async function recoveryUrl({ deps, request }: StageContext): Promise<string | undefined> {
  const flow = brandValue(await brandOfHost(deps, request.host), 'flow_recovery');
  const slug = await flowSlug(deps, flow);
  return slug === undefined
    ? undefined
    : `${request.secure ? 'https' : 'http'}://${request.host}${deps.webPath}if/flow/${slug}/`;
}
