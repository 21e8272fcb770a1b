// Set-up of an authenticator app (core.md §15.3): shows a key, and keeps it once a code proves that the app has it.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { brandOfHost, brandTitle } from '../../brands/current.ts';
import { encodeBase32 } from '../../devices/base32.ts';
import { matchingStep, stepAt, type TotpParameters } from '../../devices/totp.ts';
import { reference, setting, text } from '../../models/field.ts';
import { deny, invalid, ok, type StageContext, type StageKind, stageModel } from '../stage.ts';

const pendingKey = 'goauthentik.io/stages/authenticator_totp/totp_device';
const period = 30;

export const totpSetupStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_authenticator_totp.authenticatortotpstage',
    noun: 'TOTP Authenticator Setup Stage',
    path: 'authenticator/totp',
    component: 'ak-stage-authenticator-totp-form',
    fields: {
      configure_flow: reference({ name: 'configure_flow', in: 'setting', table: 'flows', key: 'uuid' }),
      friendly_name: setting(text, { initial: '' }),
      digits: setting(z.union([z.enum(['6', '8']), z.literal(6), z.literal(8)]), { initial: '6' }),
    },
  }),

  async show(context) {
    const user = await context.pendingUser();
    if (user?.record === undefined) return deny('No user to set a device up for.');
    const key = keyOf(context);
    const issuer = brandTitle(await brandOfHost(context.deps, context.request.host));
    const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(user.username)}`;
    const query = [
      `secret=${encodeBase32(key)}`,
      'algorithm=SHA1',
      `digits=${digitsOf(context)}`,
      `period=${period}`,
      `issuer=${encodeURIComponent(issuer)}`,
    ].join('&');
    return {
      step: 'show',
      challenge: {
        component: 'ak-stage-authenticator-totp',
        ...(await context.userInfo()),
        config_url: `otpauth://totp/${label}?${query}`,
      },
    };
  },

  async answer(context, answer) {
    const { deps, plan, settings } = context;
    const user = (await context.pendingUser())?.record;
    if (user === undefined) return deny('No user to set a device up for.');
    const typed = answer['code'];
    if (typed === undefined || typed === null) return invalid('code', 'This field is required.', 'required');
    const key = keyOf(context);
    const parameters: TotpParameters = { key, step: period, t0: 0, digits: digitsOf(context) };
    const now = deps.clock.now();
    const code = String(typed).replaceAll(' ', '').padStart(parameters.digits, '0');
    const step = matchingStep(parameters, code, now, { drift: 0, tolerance: 1, lastUsed: -1 });
    if (step === undefined) return invalid('code', 'Code does not match');
    const stored = { key: key.toString('hex'), step: period, t0: 0, digits: parameters.digits, tolerance: 1 };
    await deps.database.kysely
      .insertInto('devices')
      .values({
        kind: 'totp',
        user_id: user.id,
        name: settings['friendly_name'] === '' ? 'TOTP Authenticator' : String(settings['friendly_name']),
        confirmed: true,
        settings: JSON.stringify({ ...stored, drift: step - stepAt(parameters, now), last_t: step }),
      })
      .execute();
    delete plan.context[pendingKey];
    return ok;
  },
};

/** Drawn once a plan: a page that is loaded again shows the same key. */
function keyOf({ plan }: StageContext): Buffer {
  const stored = plan.context[pendingKey];
  const key = typeof stored === 'string' ? Buffer.from(stored, 'hex') : randomBytes(20);
  plan.context[pendingKey] = key.toString('hex');
  return key;
}

const digitsOf = ({ settings }: StageContext): 6 | 8 => (String(settings['digits']) === '8' ? 8 : 6);
