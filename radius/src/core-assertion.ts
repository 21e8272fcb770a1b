// Logins that are proved here and only approved by the core: MS-CHAPv2 against NT hashes of generated Wi-Fi secrets, and
// certificates of the configured authority. Only our own core offers this; another one answers 404, which is said once a
// login and refused. Called by core.ts.
import { assertedLoginRow, wifiSecretsRow } from '@gatehouse/contract/rest';
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { Logger } from '@gatehouse/daemon/log';
import type { Outpost } from '@gatehouse/outpost';
import {
  authenticatorResponse,
  isMsChapResponse,
  type MsChapResponse,
  mppeKeys,
  withoutDomain,
} from '@gatehouse/wire/mschap';
import type { Claim } from './authentication/claim.ts';
import type { AccessOutcome, AccessRequest } from './core.ts';
import type { RejectReason } from './errors.ts';

interface Deps {
  readonly outpost: Outpost;
  readonly log: Logger;
}

/** @throws GatewayError when the core cannot be asked */
export async function askByMsChap(
  deps: Deps,
  request: AccessRequest,
  response: MsChapResponse,
  signal: AbortSignal,
): Promise<AccessOutcome> {
  const { provider } = request;
  const username = withoutDomain(response.username);
  if (!provider.wifiSecrets) return refuse(deps, request, 'unsupported_method', switchedOff);
  const path = `/outposts/radius/${provider.pk}/wifi_secrets/`;
  const found = await orRefusal(deps.outpost.core.get(path, wifiSecretsRow, { query: { username }, signal }));
  if (isGatewayError(found)) return refuse(deps, request, 'access_check_fail', found.message, found.hint);
  if (found.secrets.length === 0) return refuse(deps, request, 'no_wifi_secret', withoutSecret);
  for (const { pk, nt_hash } of found.secrets) {
    const hash = Buffer.from(nt_hash, 'hex');
    if (!isMsChapResponse(hash, response)) continue;
    const outcome = await approve(deps, request, { username, method: 'wifi_secret', wifi_secret: pk }, signal);
    if (outcome.kind !== 'accepted') return outcome;
    const proof = {
      authenticatorResponse: authenticatorResponse(hash, response),
      ...mppeKeys(hash, response.ntResponse),
    };
    return { ...outcome, mschap: proof };
  }
  return refuse(deps, request, 'invalid_credentials', 'not the response of any Wi-Fi secret of this user');
}

const switchedOff =
  'MS-CHAPv2 needs the clear password or its NT hash; the core keeps neither, so it can never work with passwords. Switch on wifi_secrets of the provider and let the user make one, or set the device to EAP-TTLS/PAP or PEAP/GTC.';
const withoutSecret =
  'MS-CHAPv2 cannot work with a password, and this user has no Wi-Fi secret; make a token with intent wifi_secret.';

/** @throws GatewayError when the core cannot be asked */
export async function askByCertificate(
  deps: Deps,
  request: AccessRequest,
  { username }: Extract<Claim, { kind: 'local_certificate' }>,
  signal: AbortSignal,
): Promise<AccessOutcome> {
  if (!request.provider.localCertificates)
    return refuse(deps, request, 'unsupported_method', 'Switch on local_certificates of the provider in the core.');
  return approve(deps, request, { username, method: 'certificate' }, signal);
}

type Asked = Pick<AccessRequest, 'provider' | 'claim'>;

async function approve(deps: Deps, request: Asked, body: object, signal: AbortSignal): Promise<AccessOutcome> {
  const { provider } = request;
  const path = `/outposts/radius/${provider.pk}/assert_login/`;
  const answer = await orRefusal(deps.outpost.core.post(path, body, assertedLoginRow, { signal }));
  if (isGatewayError(answer)) return refuse(deps, request, 'access_check_fail', answer.message, answer.hint);
  const { user, session, access, attributes } = answer;
  if (!access.passing || user === undefined || session === undefined) {
    deps.log.info('Access denied for user', { username: request.claim.username, provider: provider.name });
    return { kind: 'refused', reason: 'access_denied', message: 'denied by policy' };
  }
  return {
    kind: 'accepted',
    username: user.username,
    groups: user.groups.map(({ name }) => name),
    userPk: user.pk,
    sessionId: session.id,
    providerPk: provider.pk,
    expiresAtMs: undefined,
    attributes: attributes ?? undefined,
    askAgain: (again, later) => approve(deps, { ...again, claim: request.claim }, body, later),
  };
}

/** What the core says about the request, as a value; trouble with the core stays a throw. */
async function orRefusal<T>(asked: Promise<T>) {
  return asked.catch((error: unknown) => {
    if (isGatewayError(error) && refusals.has(error.code)) return error;
    throw error;
  });
}

const refusals = new Set(['ERR_CONTRACT_FORBIDDEN', 'ERR_CONTRACT_NOT_FOUND', 'ERR_CONTRACT_REFUSED']);

function refuse(
  { log }: Deps,
  { claim: { username, kind }, provider }: Asked,
  reason: RejectReason,
  message: string,
  hint = '',
): AccessOutcome {
  log.warn('login refused', {
    username,
    method: kind,
    provider: provider.name,
    reason,
    error: message,
    ...(hint === '' ? {} : { hint }),
  });
  return { kind: 'refused', reason, message };
}
