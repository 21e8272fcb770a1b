// Grant `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4, §3.5): a device asks whether it was approved.
import { mayUse } from './access.ts';
import { pollDevice } from './device-grants.ts';
import { deviceGrantType } from './device-start.ts';
import { invalidGrant, OauthFailure } from './failure.ts';
import { hashOf } from './grants.ts';
import { authenticateClient, type TokenRequest } from './token-request.ts';
import { issueRefresh, issueTokens } from './tokens.ts';

export async function byDeviceCode(request: TokenRequest): Promise<object> {
  const { deps, client, form, issuer } = request;
  authenticateClient(request);
  const deviceCode = form.get('device_code') ?? '';
  const poll = await pollDevice(deps, client, deviceCode);
  if (poll.kind === 'gone') throw invalidGrant('The device code is unknown or used.');
  if (poll.kind === 'expired') throw new OauthFailure(400, 'expired_token', 'The device code has run out.');
  if (poll.kind === 'denied') throw new OauthFailure(400, 'access_denied', 'The device was not allowed.');
  if (poll.kind === 'hasty')
    throw new OauthFailure(400, 'slow_down', `Ask no more often than every ${poll.interval} s from now on.`);
  if (poll.kind === 'pending')
    throw new OauthFailure(400, 'authorization_pending', 'Nobody has approved the device yet.');
  const { user, session, data } = poll;
  const oauth = { oauth_scopes: data.scopes, oauth_grant_type: deviceGrantType };
  if (!(await mayUse(deps, { client, user, oauth })).passing)
    throw new OauthFailure(400, 'access_denied', 'The account may not use this application.');
  const grant = { ...data, family: hashOf(deviceCode), ...(session === null ? {} : { session }) };
  const issuing = { deps, client, user, grant, issuer };
  const tokens = await issueTokens(issuing);
  if (!data.scopes.includes('offline_access')) return tokens;
  return { ...tokens, refresh_token: await issueRefresh(issuing) };
}
