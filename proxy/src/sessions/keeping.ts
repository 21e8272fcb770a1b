// Where the record behind a session's cookie is: in a store under the hash of its value (stored-records.ts), or in the value
// itself (carried-records.ts). sessions.ts knows no difference.
import type { Application } from '../applications/application.ts';
import type { SessionKey, SessionRecord } from './record.ts';

export interface Opened {
  readonly key: SessionKey;
  readonly record: SessionRecord;
  /** `Set-Cookie` for the answer: the browser does not hold what it should. */
  readonly setCookie?: string | undefined;
  /** What the core is told to be over at a sign-out, where replicas do not tell each other. */
  readonly refreshToken?: string | undefined;
  /** It goes out with this answer alone, not with those from memory. */
  readonly isOnce?: boolean;
}

export interface Keeping {
  /** Whether what is due is renewed by {@link Keeping.open}, so that the answer has the new cookie; else it is asked to. */
  readonly renewsOnOpen: boolean;
  /** Keeps a new session. @returns `Set-Cookie`. @throws GatewayError `ERR_PROXY_SESSION_STORE` */
  begin(application: Application, record: SessionRecord): Promise<string>;
  /**
   * The record of a session that is alive with a token that is, renewed where that was missed.
   * @param value of the cookie. @returns `undefined` for no such session
   */
  open(application: Application, value: string): Promise<Opened | undefined>;
  /** Whether a session that was opened a moment ago is still one. */
  isAlive(application: Application, opened: Opened): Promise<boolean>;
  /** Late in its token's life: in the background. Resolves when what is opened next is renewed, or cannot be. */
  renew(application: Application, key: SessionKey): Promise<void>;
  /** Another process of this machine has changed the session. @param value the cookie's new one, where cookies carry records */
  changedElsewhere(key: SessionKey, value: string | undefined): Promise<void>;
  /** Called with each session that is renewed or ended here, one by one. */
  onChange(listener: (key: SessionKey, value: string | undefined) => void): void;
}
