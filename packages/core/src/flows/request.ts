// What stages and policies may know of the visitor's request. The HTTP side (api/) makes it; nothing here sees a socket.
import type { X509Certificate } from 'node:crypto';
import type { UserRecord } from '../identity/users.ts';
import type { Session } from '../sessions/session.ts';

export interface CookieToSet {
  readonly name: string;
  readonly value: string;
  readonly maxAgeSeconds: number;
}

export type PresentedCertificate =
  | { readonly kind: 'none' }
  /** Something was said that must not or cannot be believed. */
  | { readonly kind: 'unusable'; readonly by: 'outpost' | 'proxy'; readonly reason: string }
  | {
      readonly kind: 'presented';
      readonly by: 'outpost' | 'proxy';
      readonly leaf: X509Certificate;
      /** Authorities that came with it. */
      readonly sentAlong: readonly X509Certificate[];
    };

export interface FlowRequest {
  readonly requestId: string;
  readonly clientIp: string;
  readonly userAgent: string;
  readonly host: string;
  readonly secure: boolean;
  /** The page's own query string (flow-executor.md §2.2). */
  readonly query: URLSearchParams;
  readonly cookies: ReadonlyMap<string, string>;
  /** Who is logged in. */
  readonly user: UserRecord | undefined;
  /** Whom the visitor's flow is about, as read with his session; gone as soon as a stage has run, which may write to it. */
  pending: UserRecord | undefined;
  readonly userIsSuperuser: boolean;
  /** Set when an outpost speaks for the visitor. */
  readonly outpost: { readonly username: string } | undefined;
  /** What the visitor has shown of himself in TLS, as far as whoever tells of it may be believed. */
  readonly clientCertificate: () => Promise<PresentedCertificate>;
  /** Replaced by a login (new key) and a logout (new session). */
  session: Session;
  readonly setCookies: CookieToSet[];
  /** What is stored together with the session; the answer waits for it. */
  readonly notes: (() => Promise<unknown>)[];
}
