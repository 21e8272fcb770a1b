// Authenticator validation (flow-executor.md §11.3): the second factor.
import type { DeviceChallenge } from '@gatehouse/contract/flow';
import { z } from 'zod';
import { confirmedDevices, type DeviceClass, verifyCode } from '../../devices/verify.ts';
import { recordEvent } from '../../events/record.ts';
import { choice, duration, setting } from '../../models/field.ts';
import { textOf } from '../identification.ts';
import { type Answer, deny, invalid, ok, type StageContext, type StageKind, type Step, stageModel } from '../stage.ts';

const classes = ['static', 'totp', 'webauthn', 'duo', 'sms', 'email'] as const;
const insertedKey = 'goauthentik.io/stages/authenticator_validate/inserted';

export const validateStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_authenticator_validate.authenticatorvalidatestage',
    noun: 'Authenticator Validation Stage',
    path: 'authenticator/validate',
    component: 'ak-stage-authenticator-validate-form',
    fields: {
      not_configured_action: setting(choice('skip', 'deny', 'configure'), { initial: 'skip' }),
      device_classes: setting(z.array(choice(...classes)), { initial: [...classes] }),
      configuration_stages: setting(z.array(z.string()), { initial: [] }),
      last_auth_threshold: setting(duration, { initial: 'seconds=0' }),
      webauthn_user_verification: setting(choice('required', 'preferred', 'discouraged'), { initial: 'preferred' }),
      webauthn_hints: setting(z.array(z.string()), { initial: [] }),
      webauthn_allowed_device_types: setting(z.array(z.string()), { initial: [] }),
    },
  }),

  async show(context) {
    const user = await context.pendingUser();
    // Without a user a second factor proves nothing: refused (Beyond F23).
    if (user === undefined) return deny('No user to validate.');
    const offered = await offeredDevices(context);
    if (offered.length === 0) return withoutDevice(context);
    return {
      step: 'show',
      challenge: {
        component: 'ak-stage-authenticator-validate',
        ...(await context.userInfo()),
        device_challenges: offered,
        configuration_stages: [],
      },
    };
  },

  async answer(context, answer) {
    const offered = await offeredDevices(context);
    if (offered.length === 0) return this.show(context);
    const selected = selectedOf(answer);
    if (selected !== undefined && !offered.some((device) => sameDevice(device, selected)))
      return invalid('selected_challenge', 'invalid challenge selected');
    const code = textOf(answer, 'code').trim();
    if (code === '') return invalid('non_field_errors', 'Empty response');
    const kinds = selected === undefined ? offered.map(({ device_class }) => device_class) : [selected.device_class];
    return check(context, kinds, code);
  },
};

async function check(context: StageContext, kinds: readonly string[], code: string): Promise<Step> {
  const { deps, plan, request, stage } = context;
  const user = (await context.pendingUser())?.record;
  const classesWithCodes = kinds.filter((kind): kind is DeviceClass => kind === 'totp' || kind === 'static');
  if (user === undefined || classesWithCodes.length === 0) return invalid('code', 'No compatible device class allowed');
  for (const kind of classesWithCodes) {
    const device = await verifyCode(deps, user.id, kind, code);
    if (device === undefined) continue;
    plan.context['auth_method'] ??= 'auth_mfa';
    plan.context['auth_method_args'] = {
      mfa_devices: [{ pk: device.id, app: `authentik_stages_authenticator_${kind}`, name: device.name }],
    };
    return ok;
  }
  await recordEvent(deps, {
    action: 'login_failed',
    app: 'authentik.stages.authenticator_validate',
    request,
    context: { username: user.username, stage: stage.name, device_class: classesWithCodes.join(' ') },
  });
  return invalid('code', 'Invalid Token. Please ensure the time on your device is accurate and try again.');
}

/** One device of each allowed class that this core can verify, in the order clients know. */
async function offeredDevices(context: StageContext): Promise<DeviceChallenge[]> {
  const user = (await context.pendingUser())?.record;
  if (user === undefined) return [];
  const allowed = context.settings['device_classes'];
  const devices = await confirmedDevices(context.deps, user.id);
  return (['static', 'totp'] as const)
    .filter((kind) => Array.isArray(allowed) && allowed.includes(kind))
    .flatMap((kind) => devices.find((device) => device.kind === kind) ?? [])
    .map(({ kind, id, last_used }) => ({
      device_class: kind,
      device_uid: String(id),
      challenge: {},
      last_used: last_used?.toISOString() ?? null,
    }));
}

function withoutDevice({ settings, plan }: StageContext): Step {
  if (settings['not_configured_action'] === 'skip') return ok;
  const stages = settings['configuration_stages'];
  const [first] = Array.isArray(stages) ? stages : [];
  const canConfigure = settings['not_configured_action'] === 'configure' && typeof first === 'string';
  if (!canConfigure || plan.context[insertedKey] === true) return deny('No (allowed) MFA authenticator configured.');
  plan.context[insertedKey] = true;
  plan.stages.splice(1, 0, {
    engineMode: 'any',
    reEvaluate: false,
    invalidResponse: 'retry',
    stage: { pk: first },
  });
  return ok;
}

function selectedOf(answer: Answer): DeviceChallenge | undefined {
  const shape = z.object({
    device_class: z.string(),
    device_uid: z.string(),
    challenge: z.record(z.string(), z.unknown()).default({}),
    last_used: z.string().nullable().default(null),
  });
  return shape.safeParse(answer['selected_challenge']).data;
}

function sameDevice(one: DeviceChallenge, other: DeviceChallenge): boolean {
  return one.device_class === other.device_class && one.device_uid === other.device_uid;
}
