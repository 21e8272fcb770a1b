// Set-up of one-use codes on paper (core.md §15.3): shown once, stored when the user says they are kept.
import { z } from 'zod';
import { randomId } from '../../identity/random.ts';
import { integer, reference, setting, text } from '../../models/field.ts';
import { deny, ok, type StageContext, type StageKind, stageModel } from '../stage.ts';

const pendingKey = 'goauthentik.io/stages/authenticator_static/tokens';

export const staticSetupStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_authenticator_static.authenticatorstaticstage',
    noun: 'Static Authenticator Setup Stage',
    path: 'authenticator/static',
    component: 'ak-stage-authenticator-static-form',
    fields: {
      configure_flow: reference({ name: 'configure_flow', in: 'setting', table: 'flows', key: 'uuid' }),
      friendly_name: setting(text, { initial: '' }),
      token_count: setting(integer.min(0).max(1000), { initial: 6 }),
      token_length: setting(integer.min(1).max(100), { initial: 12 }),
    },
  }),

  async show(context) {
    const user = await context.pendingUser();
    if (user?.record === undefined) return deny('No user to set codes up for.');
    return {
      step: 'show',
      challenge: {
        component: 'ak-stage-authenticator-static',
        ...(await context.userInfo()),
        codes: codesOf(context),
      },
    };
  },

  async answer(context) {
    const { deps, plan, settings } = context;
    const user = (await context.pendingUser())?.record;
    if (user === undefined) return deny('No user to set codes up for.');
    const codes = codesOf(context);
    await deps.database.kysely.transaction().execute(async (db) => {
      const device = await db
        .insertInto('devices')
        .values({
          kind: 'static',
          user_id: user.id,
          name: settings['friendly_name'] === '' ? 'Static Token' : String(settings['friendly_name']),
          confirmed: true,
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      if (codes.length > 0)
        await db
          .insertInto('static_tokens')
          .values(codes.map((token) => ({ device_id: device.id, token })))
          .execute();
    });
    delete plan.context[pendingKey];
    return ok;
  },
};

/** Drawn once a plan: what is stored is what was shown. */
function codesOf({ plan, settings }: StageContext): string[] {
  const stored = z.array(z.string()).safeParse(plan.context[pendingKey]).data;
  const length = Number(settings['token_length']);
  const codes = stored ?? Array.from({ length: Number(settings['token_count']) }, () => randomId(length));
  plan.context[pendingKey] = codes;
  return codes;
}
