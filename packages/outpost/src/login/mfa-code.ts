// `password;code` (flow-executor.md §4.1, F8): what LDAP and RADIUS clients type where there is one field only.

export interface Credentials {
  readonly password: string;
  /** Answer for an authenticator stage; absent when none was typed. */
  readonly code: string | undefined;
}

/**
 * Splits at the last `;` when what follows looks like a code: six digits, or eight letters and digits.
 * Without MFA support the whole text answers both stages, so that flows of an authenticator stage alone work.
 */
export function splitPasswordCode(secret: string, mfaSupport: boolean): Credentials {
  if (!mfaSupport) return { password: secret, code: secret };
  const at = secret.lastIndexOf(';');
  const code = secret.slice(at + 1);
  if (at === -1 || !/^(?:[0-9]{6}|[A-Za-z0-9]{8})$/.test(code)) return { password: secret, code: undefined };
  return { password: secret.slice(0, at), code };
}
