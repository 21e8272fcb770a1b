// What may be asked for when a token is made through the API (core.md §12.5).
import type { CoreDeps } from '../deps.ts';
import { parseDuration } from '../models/duration.ts';
import { invalidField, message } from '../models/invalid.ts';
import type { Values } from '../models/model.ts';
import { effectiveAttributes } from './effective-attributes.ts';
import type { Principal } from './permissions.ts';
import { findUser, type UserRecord } from './users.ts';
import { areWifiSecretsOn, wifiIntent } from './wifi-secrets.ts';

const lifetimeAttribute = 'goauthentik.io/user/token-maximum-lifetime';
const expiringAttribute = 'goauthentik.io/user/token-expires';

/** The body with the rules applied. @throws InvalidInput */
export async function newTokenInput(deps: CoreDeps, principal: Principal, given: Values): Promise<Values> {
  const intent = given['intent'] ?? 'api';
  if (intent !== 'api' && intent !== 'app_password' && intent !== wifiIntent)
    throw invalidField('intent', `Invalid intent ${String(intent)}`);
  if (intent === wifiIntent && !(await areWifiSecretsOn(deps)))
    throw invalidField('intent', 'Wi-Fi secrets are off: no RADIUS provider has wifi_secrets switched on.');
  const owner = await ownerOf(deps, principal, given);
  const expiring = await isExpiring(deps, principal, owner, intent, given);
  const expires = intent === 'api' ? undefined : given['expires'];
  if (intent === 'app_password' && expiring && expires != null) await refuseLongLife(deps, owner, expires);
  return { ...given, intent, user: owner.id, expiring, expires };
}

/** Others than administrators make tokens for themselves only. */
async function ownerOf(deps: CoreDeps, principal: Principal, given: Values): Promise<UserRecord> {
  const pk = given['user'];
  if (!principal.isSuperuser || pk === undefined || pk === null) return principal.user;
  const user = Number.isInteger(Number(pk)) ? await findUser(deps, Number(pk)) : undefined;
  if (user === undefined) throw invalidField('user', message.missing(pk));
  return user;
}

async function isExpiring(
  deps: CoreDeps,
  principal: Principal,
  owner: UserRecord,
  intent: unknown,
  given: Values,
): Promise<boolean> {
  if (intent === wifiIntent) return given['expiring'] === true;
  if (principal.isSuperuser) return given['expiring'] !== false;
  return (await effectiveAttributes(deps, owner))[expiringAttribute] !== false;
}

async function refuseLongLife(deps: CoreDeps, owner: UserRecord, expires: unknown): Promise<void> {
  const allowed = (await effectiveAttributes(deps, owner))[lifetimeAttribute];
  const longestMs =
    (typeof allowed === 'string' ? parseDuration(allowed) : undefined) ?? deps.settings.tokenDurationMs();
  const latest = new Date(deps.clock.now() + longestMs);
  if (new Date(String(expires)) > latest)
    throw invalidField('expires', `Token expires exceeds maximum lifetime (${latest.toISOString()}).`);
}
