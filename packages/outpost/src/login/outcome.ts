// What a login can end in. A refusal is a value, a fault is a throw: only so can a cache know what it may keep.

export interface CoreSession {
  /** How the core calls the session on the control channel: hex SHA-256 of its key. */
  readonly id: string;
  /** Value of the session cookie, for the calls and the logout that follow. */
  readonly cookie: string;
  readonly expiresAtMs: number | undefined;
}

export type RefusalReason = 'invalid_credentials' | 'mfa_required' | 'flow_denied' | 'not_logged_in';

export type LoginOutcome =
  | {
      readonly kind: 'passed';
      readonly session: CoreSession;
      readonly userPk: number;
      readonly username: string;
      /** A second factor was part of it. */
      readonly usedMfa: boolean;
      /** Names of the user's groups. */
      readonly groups: readonly string[];
    }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly message: string }
  /** The flow wants what only a browser can give. */
  | { readonly kind: 'unanswerable'; readonly component: string };

/** A code is wanted that nobody has typed yet; the flow waits in this object. */
export interface CodeWanted {
  readonly kind: 'code_wanted';
  /** What to say to the user. */
  readonly prompt: string;
  readonly resume: (code: string, signal: AbortSignal) => Promise<LoginOutcome | CodeWanted>;
}
