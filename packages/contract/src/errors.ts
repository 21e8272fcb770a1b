// What a call to the core can end in, told apart by what somebody must do about it.
import { GatewayError } from '@gatehouse/daemon/errors';

export type ContractErrorCode =
  | 'ERR_CONTRACT_CORE_UNREACHABLE'
  | 'ERR_CONTRACT_CORE_FAILED'
  | 'ERR_CONTRACT_TOKEN_REJECTED'
  | 'ERR_CONTRACT_FORBIDDEN'
  | 'ERR_CONTRACT_NOT_FOUND'
  | 'ERR_CONTRACT_REFUSED'
  | 'ERR_CONTRACT_MALFORMED';

const hints: Readonly<Record<ContractErrorCode, string>> = {
  ERR_CONTRACT_CORE_UNREACHABLE: 'Check that the core runs and that AUTHENTIK_HOST names it.',
  ERR_CONTRACT_CORE_FAILED: "Look into the core's log under the request id.",
  ERR_CONTRACT_TOKEN_REJECTED: 'Copy the token anew from the outpost in the core and set AUTHENTIK_TOKEN.',
  ERR_CONTRACT_FORBIDDEN: "Check the permissions of the outpost's service account.",
  ERR_CONTRACT_NOT_FOUND: 'The object was renamed or deleted in the core; the next refresh shows it.',
  ERR_CONTRACT_REFUSED: 'The core does not accept these values.',
  ERR_CONTRACT_MALFORMED: 'AUTHENTIK_HOST does not lead to a core, or the versions are too far apart.',
};

export function contractError(
  code: ContractErrorCode,
  message: string,
  cause?: unknown,
): GatewayError<ContractErrorCode> {
  return new GatewayError(code, message, { hint: hints[code], ...(cause === undefined ? {} : { cause }) });
}

/** The error of an answer with a status of 300 or more (core-contract §2.3). */
export function errorOfStatus(status: number, body: string, where: string): GatewayError<ContractErrorCode> {
  const detail = /"(?:detail|error)"\s*:\s*"([^"]{1,200})"/.exec(body)?.[1] ?? '';
  const message = `The core answered ${where} with ${status}${detail === '' ? '' : ` (${detail})`}.`;
  if (status === 401 || (status === 403 && detail.startsWith('Token invalid')))
    return contractError('ERR_CONTRACT_TOKEN_REJECTED', message);
  if (status === 403) return contractError('ERR_CONTRACT_FORBIDDEN', message);
  if (status === 404) return contractError('ERR_CONTRACT_NOT_FOUND', message);
  if (status === 502 || status === 503 || status === 504)
    return contractError('ERR_CONTRACT_CORE_UNREACHABLE', message);
  if (status >= 500) return contractError('ERR_CONTRACT_CORE_FAILED', message);
  return contractError('ERR_CONTRACT_REFUSED', message);
}
