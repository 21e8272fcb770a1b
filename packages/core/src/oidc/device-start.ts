// `/application/o/device/` (RFC 8628 §3.1, §3.2; core.md §17.5): a device asks for its two codes.
import type { ApiReply, ApiRequest } from '../api/request.ts';
import { baseUrlOf } from '../api/web-path.ts';
import type { CoreDeps } from '../deps.ts';
import { grantedScopes } from './claims.ts';
import { clientById, credentialsOf, formOf, mayUseGrant } from './client.ts';
import { pollInterval, startDevice } from './device-grants.ts';
import { invalidClient, OauthFailure } from './failure.ts';

export const deviceGrantType = 'urn:ietf:params:oauth:grant-type:device_code';

/** Devices are often public clients: a secret is not asked for here, but at the token endpoint. @throws OauthFailure */
export async function startDeviceGrant(deps: CoreDeps, request: ApiRequest, reply: ApiReply, clientIp: string) {
  const waitSeconds = deps.deviceStarts.count(clientIp);
  if (waitSeconds !== undefined) {
    reply.header('Retry-After', waitSeconds);
    throw new OauthFailure(429, 'slow_down', `Too many devices from this address. Try again in ${waitSeconds} s.`);
  }
  const form = formOf(request);
  const client = await clientById(deps, credentialsOf(request, form).id);
  if (client === undefined) throw invalidClient();
  if (!mayUseGrant(client, deviceGrantType))
    throw new OauthFailure(400, 'unauthorized_client', 'This client may not use the grant type.');
  const { deviceCode, userCode, lifeMs } = await startDevice(
    deps,
    client,
    grantedScopes(client, form.get('scope') ?? ''),
  );
  const page = `${baseUrlOf(deps, request)}device`;
  return {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: page,
    verification_uri_complete: `${page}?${new URLSearchParams({ code: userCode })}`,
    expires_in: Math.floor(lifeMs / 1000),
    interval: pollInterval,
  };
}
