// `password;code` (flow-executor.md §4.1, F7, F8), or `code;password` where that is set: what LDAP and RADIUS clients type where
// there is one field only. The order is never guessed: a text has one meaning.

export interface Credentials {
  readonly password: string;
  /** Answer for an authenticator stage; absent when none was typed. */
  readonly code: string | undefined;
}

/** How a typed text is read. */
export interface SecretForm {
  readonly mfaSupport: boolean;
  /** Codes may have any length then. Default: no. */
  readonly mfaRequired?: boolean;
  /** `code;password`. Default: `password;code`. */
  readonly codeFirst?: boolean;
}

const usualCode = /^(?:[0-9]{6}|[A-Za-z0-9]{8})$/;
/** Whoever must type a code is not asked how long it is: static tokens and recovery codes have any length. */
const anyCode = /^[A-Za-z0-9]{4,64}$/;

/**
 * Splits at the last `;`, or at the first where the code comes first, when what stands there looks like a code: six digits, or
 * eight letters and digits; any length when a second factor is required. Without MFA support the whole text answers both stages,
 * so that flows of an authenticator stage alone work.
 */
export function splitPasswordCode(secret: string, form: SecretForm): Credentials {
  const { mfaSupport, mfaRequired = false, codeFirst = false } = form;
  if (!mfaSupport && !mfaRequired) return { password: secret, code: secret };
  const at = codeFirst ? secret.indexOf(';') : secret.lastIndexOf(';');
  const [before, behind] = [secret.slice(0, Math.max(0, at)), secret.slice(at + 1)];
  const [password, code] = codeFirst ? [behind, before] : [before, behind];
  const isCode = at !== -1 && (mfaRequired ? anyCode : usualCode).test(code);
  return isCode ? { password, code } : { password: secret, code: undefined };
}
