// Consent (core.md §15.3): the user allows an application to see what it asked for. What was allowed is remembered with
// exactly these permissions; the answer is bound to the question by a one-time token.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { durationMs } from '../models/duration.ts';
import { choice, duration, setting } from '../models/field.ts';
import { invalid, ok, type StageContext, type StageKind, stageModel, textOf } from './stage.ts';

const tokenKey = 'goauthentik.io/stages/consent/token';
const permission = z.object({ id: z.string(), name: z.string() });
type Permission = z.infer<typeof permission>;

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
    const asked = permissionsOf(plan.context['consent_permissions']);
    const given = await givenConsents(context);
    if (given?.some((permissions) => permissions === joined(asked)) === true) return ok;
    const known = new Set((given ?? []).flatMap((permissions) => permissions.split(' ')));
    const token = randomBytes(16).toString('hex');
    plan.context[tokenKey] = token;
    const header = plan.context['consent_header'];
    return {
      step: 'show',
      challenge: {
        component: 'ak-stage-consent',
        ...(await context.userInfo()),
        ...(typeof header === 'string' ? { header_text: header } : {}),
        permissions: known.size === 0 ? asked : asked.filter(({ id }) => known.has(id)),
        additional_permissions: known.size === 0 ? [] : asked.filter(({ id }) => !known.has(id)),
        token,
      },
    };
  },

  async answer(context, answer) {
    const { plan } = context;
    if (textOf(answer, 'token') === '' || textOf(answer, 'token') !== plan.context[tokenKey])
      return invalid('token', 'Invalid consent token, re-showing prompt');
    delete plan.context[tokenKey];
    await remember(context, joined(permissionsOf(plan.context['consent_permissions'])));
    return ok;
  },
};

/** What this user allowed this application before; `undefined` where every time is asked. */
async function givenConsents(context: StageContext): Promise<string[] | undefined> {
  const subject = await subjectOf(context);
  if (subject === undefined) return undefined;
  const { database, clock } = context.deps;
  const rows = await database.kysely
    .selectFrom('consents')
    .select('permissions')
    .where('user_id', '=', subject.user)
    .where('application', '=', subject.application)
    .where((where) => where.or([where('expires', 'is', null), where('expires', '>', new Date(clock.now()))]))
    .execute();
  return rows.map(({ permissions }) => permissions);
}

async function remember(context: StageContext, permissions: string): Promise<void> {
  const subject = await subjectOf(context);
  if (subject === undefined) return;
  const { database, clock } = context.deps;
  const lifeMs = durationMs(context.settings['consent_expire_in']);
  const expires = context.settings['mode'] === 'permanent' ? null : new Date(clock.now() + lifeMs);
  await database.kysely
    .insertInto('consents')
    .values({ user_id: subject.user, application: subject.application, permissions, expires })
    .onConflict((conflict) => conflict.columns(['user_id', 'application', 'permissions']).doUpdateSet({ expires }))
    .execute();
}

/** Who consents to what; `undefined` in the mode that always asks, and outside of an application. */
async function subjectOf({ settings, plan, pendingUser }: StageContext) {
  if (settings['mode'] === 'always_require') return undefined;
  const application = z.object({ pk: z.string() }).safeParse(plan.context['application']).data?.pk;
  const user = (await pendingUser())?.record?.id;
  return application === undefined || user === undefined ? undefined : { application, user };
}

function permissionsOf(value: unknown): Permission[] {
  return z.array(permission).safeParse(value).data ?? [];
}

const joined = (permissions: readonly Permission[]) =>
  permissions
    .map(({ id }) => id)
    .sort()
    .join(' ');
