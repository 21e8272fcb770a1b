// Twins of the shipped expression policies.
import { userBy } from '../host/functions.ts';
import { equals } from '../run/equality.ts';
import { Dict, HostObject, isTrue, Native } from '../run/values.ts';
import { ask, attribute, getOr, member, requestUser, type Seen, say, type Twin } from './twin.ts';

/** default-source-…-if-sso */
export const isFromSource: Twin = ({ call }) => call.names['ak_is_sso_flow'];

/** default-source-enrollment-if-username */
export const hasNoUsername: Twin = ({ call }) => {
  const { context } = call.names;
  if (!(context instanceof Dict)) return undefined;
  const data = context.get('prompt_data');
  if (data === undefined) return true;
  return data instanceof Dict ? !data.has('username') : undefined;
};

/** default-authentication-flow-password-stage */
export const hasNoBackend: Twin = async ({ call }) => {
  const context = await attribute(call.names['request'], 'context');
  return context instanceof Dict ? !context.has('user_backend') : undefined;
};

/** default-authentication-flow-authenticator-validate-stage */
export const isNoPasskey: Twin = async ({ call, run }) => {
  const method = member(await attribute(call.names['request'], 'context'), 'auth_method');
  return method === undefined ? undefined : !equals(method, 'auth_webauthn_pwl', run.budget);
};

const first = (seen: Seen) =>
  userBy({ deps: seen.deps, request: seen.call.request }, new Map([['username', 'akadmin']]));

/** default-oobe-password-usable */
export const isNotSetUp: Twin = async (seen) => {
  if (!canSay(seen)) return undefined;
  const admin = await first(seen);
  if (admin === null) return refuse(seen, 'There is no user akadmin to set up.');
  const usable = await ask(seen, admin, 'has_usable_password');
  if (usable === undefined) return undefined;
  return isTrue(usable) ? refuse(seen, 'akadmin has a password already.') : true;
};

/** default-oobe-prefill-user */
export const prefillFirst: Twin = async (seen) => {
  const plan = await attribute(member(seen.call.names['context'], 'flow_plan'), 'context');
  const admin = await first(seen);
  const usable = admin === null ? undefined : await ask(seen, admin, 'has_usable_password');
  if (!(plan instanceof Dict) || usable === undefined) return undefined;
  plan.set('pending_user', admin);
  return !isTrue(usable);
};

const changeable = [
  ['email', 'email address'],
  ['name', 'name'],
  ['username', 'username'],
] as const;

/** default-user-settings-authorization */
export const mayChangeSettings: Twin = async (seen) => {
  const { request } = seen.call.names;
  const user = await requestUser(seen);
  const data = member(await attribute(request, 'context'), 'prompt_data');
  const http = await attribute(request, 'http_request');
  const tenant = await attribute(http, 'tenant');
  if (!(data instanceof Dict) || http === undefined || !(tenant instanceof HostObject) || !canSay(seen))
    return undefined;
  const own = await ask(seen, user, 'group_attributes', http);
  if (!(own instanceof Dict)) return undefined;
  for (const [field, label] of changeable) {
    const initial = await attribute(tenant, `default_user_change_${field}`);
    const before = await attribute(user, field);
    if (initial === undefined || before === undefined) return undefined;
    const allowed = getOr(own, `goauthentik.io/user/can-change-${field}`, initial);
    const changed = !equals(getOr(data, field, null), before, seen.run.budget);
    if (changed && !isTrue(allowed)) return refuse(seen, `Not allowed to change ${label}.`);
  }
  return true;
};

const canSay = ({ call }: Seen) => call.names['ak_message'] instanceof Native;

function refuse(seen: Seen, message: string): false {
  say(seen, 'ak_message', message);
  return false;
}
