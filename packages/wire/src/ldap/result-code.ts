// Result codes (RFC 4511 §4.1.9, App. A; cancel: RFC 3909; assertion: RFC 4528; proxied authorization: RFC 4370; list
// views: draft-ietf-ldapext-ldapv3-vlv-09).
export const resultCode = {
  success: 0,
  operationsError: 1,
  protocolError: 2,
  timeLimitExceeded: 3,
  sizeLimitExceeded: 4,
  compareFalse: 5,
  compareTrue: 6,
  authMethodNotSupported: 7,
  strongerAuthRequired: 8,
  adminLimitExceeded: 11,
  unavailableCriticalExtension: 12,
  confidentialityRequired: 13,
  noSuchAttribute: 16,
  undefinedAttributeType: 17,
  inappropriateMatching: 18,
  constraintViolation: 19,
  noSuchObject: 32,
  invalidDNSyntax: 34,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
  sortControlMissing: 60,
  offsetRangeError: 61,
  virtualListViewError: 76,
  other: 80,
  canceled: 118,
  noSuchOperation: 119,
  tooLate: 120,
  cannotCancel: 121,
  assertionFailed: 122,
  authorizationDenied: 123,
} as const;
export type ResultCode = (typeof resultCode)[keyof typeof resultCode];

const names = new Map<number, string>(Object.entries(resultCode).map(([name, code]) => [code, name]));

/** `invalidCredentials` for 49; the number itself when it has no name. */
export function resultCodeName(code: number): string {
  return names.get(code) ?? String(code);
}
