// `password;code` (flow-executor.md §4.1, F7, F8): what LDAP and RADIUS clients type where there is one field only.

export interface Credentials {
  readonly password: string;
  /** Answer for an authenticator stage; absent when none was typed. */
  readonly code: string | undefined;
}

const usualCode = /^(?:[0-9]{6}|[A-Za-z0-9]{8})$/;
/** Whoever must type a code is not asked how long it is: static tokens and recovery codes have any length. */
const anyCode = /^[A-Za-z0-9]{4,64}$/;

/**
 * Splits at the last `;` when what follows looks like a code: six digits, or eight letters and digits; any length when a
 * second factor is required. Without MFA support the whole text answers both stages, so that flows of an authenticator stage
 * alone work.
 */
export function splitPasswordCode(secret: string, mfaSupport: boolean, mfaRequired = false): Credentials {
  if (!mfaSupport && !mfaRequired) return { password: secret, code: secret };
  const at = secret.lastIndexOf(';');
  const code = secret.slice(at + 1);
  if (at === -1 || !(mfaRequired ? anyCode : usualCode).test(code)) return { password: secret, code: undefined };
  return { password: secret.slice(0, at), code };
}
