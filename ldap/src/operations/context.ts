// What an operation gets besides its request. It never sees the socket.
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import type { Control, LdapResult, ResponseOp } from '@gatehouse/wire/ldap';
import type { Identity } from '../authentication/logins.ts';
import type { LdapConfig } from '../config.ts';
import type { ClientCertificate } from '../connection/tls-layer.ts';
import type { Cursors } from '../controls/cursors.ts';
import type { CoreLink } from '../core.ts';
import type { Entry } from '../directory/entry.ts';
import type { Selection } from '../directory/selection.ts';
import type { LdapMetrics } from '../metrics.ts';

/** The connection as operations know it. */
export interface Peer {
  readonly clientIp: string;
  /** Of this connection, in logs. */
  readonly id: string;
  readonly secure: boolean;
  /** What the client has shown over TLS, vouched for by one of our authorities. */
  readonly certificate: ClientCertificate | undefined;
  /** The name that the client asked TLS for. */
  readonly serverName: string | undefined;
  /** Whoever bound last; nobody after a failed bind. */
  identity: Identity | undefined;
  /** Text of the bind DN, for logs. */
  boundName: string;
  readonly cursors: Cursors;
}

export interface OperationContext {
  readonly peer: Peer;
  readonly core: CoreLink;
  readonly config: LdapConfig;
  readonly log: Logger;
  readonly metrics: LdapMetrics;
  readonly clock: Clock;
  /** Aborted when the client abandons the operation or leaves; made when first read, so only what waits should read it. */
  readonly signal: AbortSignal;
  readonly controls: readonly Control[];
  /** Where entries go. */
  readonly output: EntryOutput;
}

export interface EntryOutput {
  write(entry: Entry, selection: Selection): void;
  /** An entry whose operation is encoded already. */
  writeEncoded(op: Buffer): void;
  /** What is ready goes out; a promise to wait for while the client is behind. Called before anything is waited for. */
  flush(): Promise<void> | undefined;
}

/** The last message of an operation. */
export interface Answer {
  readonly op: ResponseOp;
  readonly controls?: readonly Control[];
  /** What the log line adds. */
  readonly entries?: number;
}

export type ResultOp = Extract<ResponseOp, LdapResult>['op'];
