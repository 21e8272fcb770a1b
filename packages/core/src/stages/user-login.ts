// User login (flow-executor.md §11.4, core.md §12.6): the session gets a new key and an owner.
import type { Statement } from '../database/connection.ts';
import { isKnownDevice, knownDeviceCookie, signKnownDevice } from '../devices/cookies.ts';
import { recordEvent } from '../events/record.ts';
import { dropPlans } from '../flows/plan.ts';
import { type UserRecord, userUid } from '../identity/users.ts';
import { durationMs } from '../models/duration.ts';
import { choice, duration, flag, setting } from '../models/field.ts';
import { attemptOf } from '../policies/login-brake.ts';
import { loginSucceeded } from '../policies/login-success.ts';
import { geoBindingKey, networkBindingKey } from '../sessions/binding.ts';
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
  const method = plan.context['auth_method'] ?? 'password';
  const args = { ...asObject(plan.context['auth_method_args']), known_device: await isKnown(context, user) };
  const session = await deps.sessions.rotate(request.session);
  dropPlans(session.data); // the executor keeps this one on
  session.userPk = user.id;
  session.durationMs = durationOf(settings, remember);
  Object.assign(session.data, { auth_method: method, auth_method_args: args, auth_time: deps.clock.now() });
  session.data[networkBindingKey] = settings['network_binding'];
  session.data[geoBindingKey] = settings['geoip_binding'];
  request.session = session;
  if (settings['terminate_other_sessions'] === true) await deps.sessions.endUser(user.id, session.id);
  await rememberDevice(context, user);
  const event = {
    action: 'login',
    app: 'authentik.stages.user_login',
    request,
    user,
    context: {
      auth_method: method,
      auth_method_args: args,
      ...(request.outpost === undefined ? {} : { outpost: request.outpost.username }),
    },
  };
  request.notes.push(
    () => loginSucceeded(deps, user, attemptOf(user.username, request)),
    () => recordEvent(deps, event),
  );
  return ok;
}

const sessionFrom: Statement<{ id: string }> = {
  name: 'session: of a user at an address',
  text: 'select id from sessions where user_id = $1 and last_ip = $2 limit 1',
};

/** `undefined`: as long as the browser is open. */
function durationOf(settings: StageContext['settings'], remember: boolean): number | undefined {
  const total = durationMs(settings['session_duration']) + (remember ? durationMs(settings['remember_me_offset']) : 0);
  return total > 0 ? total : undefined;
}

/** Seen before: by the cookie of an earlier login, or by another session of this user from the same address. */
async function isKnown({ deps, request, stage }: StageContext, user: UserRecord): Promise<boolean> {
  const cookie = request.cookies.get(knownDeviceCookie);
  if (cookie !== undefined && (await isKnownDevice(deps, stage.pk, cookie, userUid(user.id, deps.installationId))))
    return true;
  const { account, isAccountHere, lastIp } = request.session;
  if (isAccountHere !== undefined && account?.id === user.id && lastIp === request.clientIp) return isAccountHere;
  const others = await deps.database.rows(sessionFrom, [user.id, request.clientIp]);
  return others.length > 0;
}

async function rememberDevice({ deps, request, settings, stage }: StageContext, user: UserRecord): Promise<void> {
  const lifeMs = durationMs(settings['remember_device']);
  // Outposts log in for devices of their own, whose cookies nobody keeps.
  if (lifeMs <= 0 || request.outpost !== undefined) return;
  const uid = userUid(user.id, deps.installationId);
  const value = await signKnownDevice(deps, stage.pk, uid, lifeMs);
  request.setCookies.push({ name: knownDeviceCookie, value, maxAgeSeconds: Math.floor(lifeMs / 1000) });
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
