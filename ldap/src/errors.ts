// Faults and refusals of the LDAP outpost, and the result code of each (ldap.md §6.5, §7.8). One table, so that no path can
// invent a code of its own.
import { GatewayError, isGatewayError } from '@gatehouse/daemon/errors';
import { type LdapResult, type ResultCode, resultCode } from '@gatehouse/wire/ldap';

/** Faults that an operator must see to. */
export type LdapErrorCode = 'ERR_LDAP_CLIENT_CA' | 'ERR_LDAP_POLICY' | 'ERR_LDAP_USAGE';

export function ldapError(code: LdapErrorCode, message: string, hint: string): GatewayError<LdapErrorCode> {
  return new GatewayError(code, message, { hint });
}

/** Thrown by an operation to answer with a code; never with success. */
export class Refusal extends Error {
  readonly result: LdapResult;
  /** Label of the metric of rejected requests; `undefined` where the contract has none. */
  readonly reason: string | undefined;

  constructor(code: Exclude<ResultCode, 0>, diagnosticMessage = '', options: RefusalOptions = {}) {
    super(options.logged ?? diagnosticMessage);
    this.name = 'Refusal';
    const { matchedDN } = options;
    this.result = { resultCode: code, diagnosticMessage, ...(matchedDN === undefined ? {} : { matchedDN }) };
    this.reason = options.reason;
  }
}

export interface RefusalOptions {
  /** For the log only: it would tell an attacker what he got right. */
  readonly logged?: string;
  readonly reason?: string;
  readonly matchedDN?: string;
}

/**
 * The answer to anything thrown: trouble with the core is `unavailable`, a malformed value `protocolError`, everything
 * unforeseen `operationsError`.
 */
export function resultOf(error: unknown): LdapResult {
  if (error instanceof Refusal) return error.result;
  if (isGatewayError(error) && /^ERR_(?:CONTRACT|OUTPOST)_/.test(error.code))
    return { resultCode: resultCode.unavailable, diagnosticMessage: 'the identity core cannot be asked at the moment' };
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_WIRE_'))
    return { resultCode: resultCode.protocolError, diagnosticMessage: 'a value of the request is malformed' };
  return { resultCode: resultCode.operationsError, diagnosticMessage: 'internal error' };
}
