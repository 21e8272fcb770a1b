// User login (flow-executor.md §11.4, core.md §12.6): the session gets a new key and an owner.
import { recordEvent } from '../events/record.ts';
import { durationMs } from '../models/duration.ts';
import { choice, duration, flag, setting } from '../models/field.ts';
import { deny, invalid, ok, type StageContext, type StageKind, type Step, stageModel } from './stage.ts';

export const userLoginStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_user_login.userloginstage',
    noun: 'User Login Stage',
    path: 'user_login',
    component: 'ak-stage-user-login-form',
    fields: {
      session_duration: setting(duration, { initial: 'seconds=0' }),
      remember_me_offset: setting(duration, { initial: 'seconds=0' }),
      remember_device: setting(duration, { initial: 'days=30' }),
      terminate_other_sessions: setting(flag, { initial: false }),
      network_binding: setting(choice('no_binding', 'bind_asn', 'bind_asn_network', 'bind_asn_network_ip'), {
        initial: 'no_binding',
      }),
      geoip_binding: setting(
        choice('no_binding', 'bind_continent', 'bind_continent_country', 'bind_continent_country_city'),
        { initial: 'no_binding' },
      ),
    },
  }),

  async show(context) {
    if (durationMs(context.settings['remember_me_offset']) <= 0) return login(context, false);
    return { step: 'show', challenge: { component: 'ak-stage-user-login', ...(await context.userInfo()) } };
  },

  async answer(context, answer) {
    if (durationMs(context.settings['remember_me_offset']) <= 0) return login(context, false);
    const remember = answer['remember_me'];
    if (typeof remember !== 'boolean') return invalid('remember_me', 'This field is required.', 'required');
    return login(context, remember);
  },
};

async function login(context: StageContext, remember: boolean): Promise<Step> {
  const { deps, plan, request, settings } = context;
  const pending = plan.context['pending_user'] === undefined ? undefined : await context.pendingUser();
  const user = pending?.record;
  if (user === undefined || !user.is_active) return deny('No pending user to login.');
  const base = durationMs(settings['session_duration']);
  const total = base + (remember ? durationMs(settings['remember_me_offset']) : 0);
  const session = await deps.sessions.rotate(request.session);
  session.userPk = user.id;
  session.durationMs = total > 0 ? total : undefined;
  session.data['auth_method'] = plan.context['auth_method'] ?? 'password';
  session.data['auth_time'] = deps.clock.now();
  request.session = session;
  await deps.database.kysely
    .updateTable('users')
    .set({ last_login: new Date(deps.clock.now()) })
    .where('id', '=', user.id)
    .execute();
  if (settings['terminate_other_sessions'] === true) await deps.sessions.endUser(user.id, session.id);
  await recordEvent(deps, {
    action: 'login',
    app: 'authentik.stages.user_login',
    request,
    user,
    context: {
      auth_method: plan.context['auth_method'],
      auth_method_args: plan.context['auth_method_args'] ?? {},
      ...(request.outpost === undefined ? {} : { outpost: request.outpost.username }),
    },
  });
  return ok;
}
