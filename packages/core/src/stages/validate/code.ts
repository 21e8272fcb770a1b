// A typed code, compared with the devices of the classes in question (flow-executor.md §11.3, Beyond F22).
import { z } from 'zod';
import { secondFactorCookie, signSecondFactor } from '../../devices/cookies.ts';
import { type DeviceRecord, verifyCode } from '../../devices/verify.ts';
import { recordEvent } from '../../events/record.ts';
import { durationMs } from '../../models/duration.ts';
import { lowerReputation } from '../../policies/reputation.ts';
import { invalid, ok, type StageContext, type Step } from '../stage.ts';

export async function checkCode(context: StageContext, kinds: readonly string[], code: string): Promise<Step> {
  const { deps } = context;
  const user = (await context.pendingUser())?.record;
  const withCodes = kinds.filter((kind) => kind === 'totp' || kind === 'static');
  if (user === undefined || withCodes.length === 0) return invalid('code', 'No compatible device class allowed');
  const factorOf = (kind: string) => Number(context.settings[`${kind}_otp_throttling_factor`] ?? 1);
  const device = await verifyCode(deps, { user: user.id, kinds: withCodes, code, factorOf });
  if (device !== undefined) return passed(context, device);
  await lowerReputation(deps, user.username, context.request.clientIp);
  await recordEvent(deps, {
    action: 'login_failed',
    app: 'authentik.stages.authenticator_validate',
    request: context.request,
    context: { username: user.username, stage: context.stage.name, device_class: withCodes.join(' ') },
  });
  return invalid('code', 'Invalid Token. Please ensure the time on your device is accurate and try again.');
}

const methodArgs = z.looseObject({ mfa_devices: z.array(z.unknown()).default([]) });

async function passed(context: StageContext, { id, kind, name }: DeviceRecord): Promise<Step> {
  const { deps, plan, request, settings, stage } = context;
  plan.context['auth_method'] ??= 'auth_mfa';
  const args = methodArgs.safeParse(plan.context['auth_method_args'] ?? {}).data ?? { mfa_devices: [] };
  const device = { pk: id, app: `authentik_stages_authenticator_${kind}`, model_name: `${kind}device`, name };
  plan.context['auth_method_args'] = { ...args, mfa_devices: [...args.mfa_devices, device] };
  const lifeMs = durationMs(settings['last_auth_threshold']);
  if (lifeMs > 0)
    request.setCookies.push({
      name: secondFactorCookie,
      value: await signSecondFactor(deps, stage.pk, id, lifeMs),
      maxAgeSeconds: Math.floor(lifeMs / 1000),
    });
  return ok;
}
