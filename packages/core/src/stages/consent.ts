// Consent (core.md §15.3): the user allows an application to see what it asked for. The answer is bound to the question by a
// one-time token.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { choice, duration, setting } from '../models/field.ts';
import { textOf } from './identification.ts';
import { invalid, ok, type StageKind, stageModel } from './stage.ts';

const tokenKey = 'goauthentik.io/stages/consent/token';
const permission = z.object({ id: z.string(), name: z.string() });

export const consentStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_consent.consentstage',
    noun: 'Consent Stage',
    path: 'consent',
    component: 'ak-stage-consent-form',
    fields: {
      mode: setting(choice('always_require', 'permanent', 'expiring'), { initial: 'expiring' }),
      consent_expire_in: setting(duration, { initial: 'weeks=4' }),
    },
  }),
  async show(context) {
    const { plan } = context;
    const token = randomBytes(16).toString('hex');
    plan.context[tokenKey] = token;
    const header = plan.context['consent_header'];
    return {
      step: 'show',
      challenge: {
        component: 'ak-stage-consent',
        ...(await context.userInfo()),
        ...(typeof header === 'string' ? { header_text: header } : {}),
        permissions: permissionsOf(plan.context['consent_permissions']),
        additional_permissions: permissionsOf(plan.context['consent_additional_permissions']),
        token,
      },
    };
  },
  async answer({ plan }, answer) {
    if (textOf(answer, 'token') !== plan.context[tokenKey])
      return invalid('token', 'Invalid consent token, re-showing prompt');
    delete plan.context[tokenKey];
    return ok;
  },
};

function permissionsOf(value: unknown): z.infer<typeof permission>[] {
  return z.array(permission).safeParse(value).data ?? [];
}
