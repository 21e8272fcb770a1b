// Authenticator validation (flow-executor.md §11.3): the second factor.
import type { AuthenticatorValidateChallenge } from '@gatehouse/contract/flow';
import { z } from 'zod';
import { secondFactorCookie, secondFactorOf } from '../../devices/cookies.ts';
import { confirmedDevices } from '../../devices/verify.ts';
import { recordEvent } from '../../events/record.ts';
import { durationMs } from '../../models/duration.ts';
import { choice, duration, setting } from '../../models/field.ts';
import {
  type Answer,
  deny,
  invalid,
  ok,
  type StageContext,
  type StageKind,
  type Step,
  stageModel,
  textOf,
} from '../stage.ts';
import { checkCode } from './code.ts';
import { allowedClasses, offeredDevices, sameDevice, selectedOf } from './offer.ts';

const classes = ['static', 'totp', 'webauthn', 'duo', 'sms', 'email'] as const;
/** Seconds that a device refuses everything after its first failure; 0 turns that off. */
const factor = z.number().min(0);
const insertedKey = 'goauthentik.io/stages/authenticator_validate/selected_stage';

export const validateStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_authenticator_validate.authenticatorvalidatestage',
    noun: 'Authenticator Validation Stage',
    path: 'authenticator/validate',
    component: 'ak-stage-authenticator-validate-form',
    shows: { webauthn_allowed_device_types_obj: [] },
    shown: { webauthn_allowed_device_types_obj: z.array(z.unknown()) },
    fields: {
      not_configured_action: setting(choice('skip', 'deny', 'configure'), { initial: 'skip' }),
      device_classes: setting(z.array(choice(...classes)), { initial: [...classes] }),
      configuration_stages: {
        ...setting(z.array(z.string()), { initial: [] }),
        references: { table: 'stages', key: 'uuid' },
      },
      last_auth_threshold: setting(duration, { initial: 'seconds=0' }),
      webauthn_user_verification: setting(choice('required', 'preferred', 'discouraged'), { initial: 'preferred' }),
      webauthn_hints: setting(z.array(z.string()), { initial: [] }),
      webauthn_allowed_device_types: setting(z.array(z.string()), { initial: [] }),
      totp_otp_throttling_factor: setting(factor, { initial: 1 }),
      static_otp_throttling_factor: setting(factor, { initial: 1 }),
      email_otp_throttling_factor: setting(factor, { initial: 1 }),
      sms_otp_throttling_factor: setting(factor, { initial: 1 }),
    },
  }),

  async show(context) {
    const user = await context.pendingUser();
    // Without a user a second factor proves nothing: refused (Beyond F23).
    if (user === undefined) return deny('No user to validate.');
    if (await wasShownLately(context)) return ok;
    const device_challenges = await offeredDevices(context);
    if (device_challenges.length === 0) return withoutDevice(context);
    return challenge(context, device_challenges, []);
  },

  async answer(context, answer) {
    const offered = await offeredDevices(context);
    if (offered.length === 0) return selectStage(context, answer);
    const selected = selectedOf(answer);
    if (selected === 'unreadable') return invalid('selected_challenge', 'Invalid data.');
    if (selected !== undefined && !offered.some((device) => sameDevice(device, selected)))
      return invalid('selected_challenge', 'invalid challenge selected');
    const code = textOf(answer, 'code').trim();
    if (code === '') return invalid('non_field_errors', 'Empty response');
    const kinds = selected === undefined ? offered.map(({ device_class }) => device_class) : [selected.device_class];
    return checkCode(context, kinds, code);
  },
};

type Shown = AuthenticatorValidateChallenge;

async function challenge(
  context: StageContext,
  device_challenges: Shown['device_challenges'],
  configuration_stages: Shown['configuration_stages'],
): Promise<Step> {
  const component = 'ak-stage-authenticator-validate' as const;
  const shown = { component, ...(await context.userInfo()), device_challenges, configuration_stages };
  return { step: 'show', challenge: shown };
}

/** The browser holds a proof that is young enough, of a device that its user still has. */
async function wasShownLately(context: StageContext): Promise<boolean> {
  const { deps, settings, stage, request } = context;
  const value = request.cookies.get(secondFactorCookie);
  if (value === undefined || durationMs(settings['last_auth_threshold']) <= 0) return false;
  const device = await secondFactorOf(deps, stage.pk, value);
  const user = (await context.pendingUser())?.record;
  if (device === undefined || user === undefined) return false;
  const allowed = allowedClasses(context);
  return (await confirmedDevices(deps, user.id)).some(({ id, kind }) => id === device && allowed.includes(kind));
}

async function withoutDevice(context: StageContext): Promise<Step> {
  const { settings, plan } = context;
  if (settings['not_configured_action'] === 'skip') return ok;
  const refused = deny('No (allowed) MFA authenticator configured.');
  if (settings['not_configured_action'] === 'deny' || plan.context[insertedKey] !== undefined) return refused;
  const stages = await configurationStages(context);
  const [first] = stages;
  if (first === undefined) {
    await recordEvent(context.deps, {
      action: 'configuration_error',
      app: 'authentik.stages.authenticator_validate',
      request: context.request,
      context: { message: 'Authenticator validation stage is set to configure, but has no set-up stage.' },
    });
    return refused;
  }
  if (stages.length === 1) return setUp(context, first.pk);
  return challenge(context, [], stages);
}

async function selectStage(context: StageContext, answer: Answer): Promise<Step> {
  const step = await withoutDevice(context);
  if (step.step !== 'show') return step;
  const selected = textOf(answer, 'selected_stage');
  if (selected === '') return invalid('selected_stage', 'This field is required.', 'required');
  const stages = await configurationStages(context);
  if (!stages.some(({ pk }) => pk === selected)) return invalid('selected_stage', 'Invalid stage selected');
  return setUp(context, selected);
}

/** The set-up stage comes next; it is offered once, so that a plan cannot run in circles. */
function setUp({ plan }: StageContext, pk: string): Step {
  plan.context[insertedKey] = pk;
  plan.stages.splice(1, 0, { engineMode: 'any', reEvaluate: false, invalidResponse: 'retry', stage: { pk } });
  return ok;
}

async function configurationStages({ deps, settings }: StageContext): Promise<Shown['configuration_stages']> {
  const keys = z.array(z.string()).safeParse(settings['configuration_stages']).data ?? [];
  if (keys.length === 0) return [];
  const rows = await deps.database.kysely.selectFrom('stages').selectAll().where('uuid', 'in', keys).execute();
  return keys.flatMap((key) => {
    const row = rows.find(({ uuid }) => uuid === key);
    const model = row === undefined ? undefined : deps.registry.ofKind('stages', row.kind);
    if (row === undefined || model === undefined) return [];
    const label = row.settings['friendly_name'];
    const name = typeof label === 'string' && label !== '' ? label : row.name;
    return [{ pk: row.uuid, name, verbose_name: model.noun, meta_model_name: model.id }];
  });
}
