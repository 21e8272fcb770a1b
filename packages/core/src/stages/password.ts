// Password (flow-executor.md §11.2). Attempts are counted in the plan itself, so that the limit always holds (Beyond F24).
import { z } from 'zod';
import { recordEvent } from '../events/record.ts';
import { choice, flag, integer, reference, setting } from '../models/field.ts';
import { textOf } from './identification.ts';
import { authenticate, backendsOf, knownBackends } from './password-backends.ts';
import { deny, invalid, ok, type StageKind, stageModel } from './stage.ts';

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
    return {
      step: 'show',
      challenge: {
        component: 'ak-stage-password',
        ...(await context.userInfo()),
        allow_show_password: settings['allow_show_password'] === true,
      },
    };
  },

  async answer(context, answer) {
    const { deps, plan, request, settings, stage } = context;
    if (!('password' in answer)) return invalid('password', 'This field is required.', 'required');
    const password = textOf(answer, 'password');
    if (password === '') return invalid('password', 'This field may not be blank.', 'blank');
    const user = await context.pendingUser();
    if (user === undefined) return deny('Unknown error');
    const backend = await authenticate(deps, backendsOf(settings), user.record, password);
    if (backend !== undefined) {
      plan.context['user_backend'] = backend.name;
      plan.context['auth_method'] = backend.method;
      return ok;
    }
    await recordEvent(deps, {
      action: 'login_failed',
      app: 'authentik.stages.password',
      request,
      context: { username: user.username, stage: stage.name },
    });
    const attempts = Number(plan.context[attemptsKey] ?? 0) + 1;
    plan.context[attemptsKey] = attempts;
    const limit = Number(settings['failed_attempts_before_cancel']);
    return limit > 0 && attempts >= limit ? deny('Invalid password') : invalid('password', 'Invalid password');
  },
};
