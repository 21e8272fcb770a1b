// One client (ldap.md §2.6): cuts its bytes into messages, runs up to a number of operations side by side, keeps binds and
// StartTLS to themselves, and ends in an orderly way. Whatever goes wrong here costs this connection and nothing else. The
// socket is its transport's.
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import {
  type DecodeLimits,
  decodeRequest,
  extendedOid,
  type LdapMessage,
  MessageFramer,
  type RequestOp,
  type ResultCode,
  resultCode,
} from '@gatehouse/wire/ldap';
import type { Identity } from '../authentication/logins.ts';
import type { LdapConfig } from '../config.ts';
import { Cursors } from '../controls/cursors.ts';
import type { CoreLink } from '../core.ts';
import type { LdapMetrics } from '../metrics.ts';
import type { Answer, Peer } from '../operations/context.ts';
import { dispatch } from '../operations/dispatch.ts';
import type { KnownSearches } from '../operations/known-searches.ts';
import type { AnsweredOp } from '../operations/report.ts';
import type { Soon } from '../operations/soon.ts';
import type { TlsWrapper } from './late-tls.ts';
import { canceledSearch, cancelResponse, noticeOfDisconnection, startTlsResponse } from './own-answers.ts';
import { RunningOperation } from './running.ts';
import { Silence } from './silence.ts';
import type { ClientCertificate } from './tls-layer.ts';
import { Transport } from './transport.ts';
import { Canceled, isStartTls, Turns } from './turns.ts';
import type { ResponseWriter } from './writer.ts';

/** ldap.md §2.1. */
const anonymousLimits: DecodeLimits = { maxDepth: 64, maxFilterNodes: 4_096, maxBytes: 262_144 };
const boundLimits: DecodeLimits = { ...anonymousLimits, maxBytes: 4_194_304 };
const firstMessageMs = 10_000;

export interface ConnectionOptions {
  readonly core: CoreLink;
  readonly config: LdapConfig;
  readonly log: Logger;
  readonly metrics: LdapMetrics;
  readonly clock: Clock;
  /** Searches of bound clients, remembered for all connections. */
  readonly known: KnownSearches;
  /** The listener. */
  readonly component: 'ldap' | 'ldaps';
  readonly clientIp: string;
  /** LDAPS: the TLS layer is there already. */
  readonly secure: boolean;
  /** What puts TLS on a plain socket; a promise while there is no certificate yet. */
  readonly startTls: () => Soon<TlsWrapper>;
  readonly onBound: (connection: Connection, before: Identity | undefined, now: Identity | undefined) => void;
  readonly onClosed: (connection: Connection) => void;
}

export class Connection implements Peer {
  readonly component: 'ldap' | 'ldaps';
  readonly clientIp: string;
  readonly cursors: Cursors;
  boundName = '';
  identity: Identity | undefined;
  readonly #options: ConnectionOptions;
  readonly #framer = new MessageFramer();
  readonly #transport: Transport;
  readonly #writer: ResponseWriter;
  readonly #turns = new Turns();
  readonly #silence: Silence;
  #id: string | undefined;
  /** As the sessions know it. */
  #registered: Identity | undefined;
  #sessionEnded = false;
  #closed = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#options = options;
    this.component = options.component;
    this.clientIp = options.clientIp;
    this.cursors = new Cursors(options.clock);
    this.#silence = new Silence(options.clock.monotonicMs(), firstMessageMs);
    this.#transport = new Transport(socket, options.secure, {
      received: (chunk, wrong) => this.#receive(chunk, wrong),
      ended: () => this.#end(),
      failed: (reason) => this.#failed(reason),
      closed: () => this.#close(),
    });
    this.#writer = this.#transport.writer;
  }

  /** Made for whoever logs it first. */
  get id(): string {
    this.#id ??= randomUUID();
    return this.#id;
  }

  get idle(): boolean {
    return this.#turns.idle;
  }

  /** When the client last sent something, on the monotonic clock. */
  get activeMs(): number {
    return this.#silence.heardMs;
  }

  /** Octets that came and went, TLS included where it is. */
  get traffic(): Transport['traffic'] {
    return this.#transport.traffic;
  }

  get secure(): boolean {
    return this.#transport.secure;
  }

  get certificate(): ClientCertificate | undefined {
    return this.#transport.certificate;
  }

  get serverName(): string | undefined {
    return this.#transport.serverName;
  }

  /**
   * The session that this connection stands on is over. A password change ends the sessions of its user: whoever made it here is
   * told of its success first.
   */
  sessionEnded(): void {
    if (this.#turns.changesPassword) this.#sessionEnded = true;
    else this.disconnect(resultCode.unavailable, 'session ended');
  }

  /** Ends it when it has been silent for longer than it may; called again and again for all of them. */
  endIfSilent(nowMs: number): void {
    const { unsent, over } = this.#transport;
    if (!this.#silence.isOver(nowMs, unsent) || over) return;
    if (this.idle) this.disconnect(resultCode.unavailable, 'idle for too long');
    else if (unsent > 0) this.#destroy(); // it asks, but does not take the answers
  }

  /** Notice of Disconnection (RFC 4511 §4.4.1), then the end. */
  disconnect(code: ResultCode, diagnosticMessage: string): void {
    if (this.#transport.over) return;
    this.#writer.send(noticeOfDisconnection(code, diagnosticMessage));
    this.#end();
  }

  /** Clients that come and go are no news; one whose handshake fails will ask why. */
  #failed(reason: string | undefined): void {
    if (reason !== undefined)
      this.#options.log.info('TLS handshake failed', { client: this.clientIp, component: this.component, reason });
  }

  #receive(chunk: Buffer, wrong: string | undefined): void {
    this.#silence.heardMs = this.#options.clock.monotonicMs();
    this.#framer.push(chunk);
    if (wrong === undefined) this.#acceptAll();
    else this.#notUnderstood(wrong);
    this.#writer.flush();
  }

  /** A client that sends faster than it is answered, or takes its answers, is not read any further, never cut off. */
  #acceptAll(): void {
    const transport = this.#transport;
    try {
      while (!transport.over && !transport.held && !this.#turns.isFull) {
        const limits = this.identity === undefined ? anonymousLimits : boundLimits;
        const bytes = this.#framer.next(limits.maxBytes);
        if (bytes === undefined) break;
        const isBound = this.identity !== undefined;
        this.#accept(isBound ? this.#options.known.decode(bytes, limits) : decodeRequest(bytes, limits));
        const { behind } = this.#writer;
        if (behind !== undefined && !transport.held) transport.holdUntil(behind, () => this.#acceptAll());
      }
      if (this.#turns.isFull) transport.pause();
      else transport.resume();
    } catch (error) {
      this.#notUnderstood(error instanceof Error ? error.message : String(error));
    }
  }

  #notUnderstood(reason: string): void {
    this.#options.log.warn('message not understood', { client: this.clientIp, component: this.component, reason });
    this.disconnect(resultCode.protocolError, 'the message is malformed or too large');
  }

  #accept(message: LdapMessage<RequestOp>): void {
    const { op } = message;
    if (op.op === 'unbindRequest') this.#unbind(message.messageId);
    else if (op.op === 'abandonRequest') this.#turns.abandon(op.target);
    else if (this.#turns.enter(message)) this.#start(message);
  }

  #unbind(messageId: number): void {
    const { log } = this.#options;
    if (log.isEnabled('info'))
      log.info('Unbind request', {
        bindDN: this.boundName.toLowerCase(),
        client: this.clientIp,
        conn: this.id,
        msgid: messageId,
      });
    this.#transport.leave();
    this.#turns.stopAll();
  }

  #start(message: LdapMessage<RequestOp>): void {
    const { op, messageId } = message;
    if (op.op === 'unbindRequest' || op.op === 'abandonRequest') return;
    if (op.op === 'extendedRequest' && isStartTls(op)) this.#startTls(messageId, op.value);
    else if (op.op === 'extendedRequest' && op.name === extendedOid.cancel) this.#cancel(messageId, op.value);
    else this.#run({ ...message, op });
  }

  #run(message: LdapMessage<AnsweredOp>): void {
    const operation = new RunningOperation(this, this.#options, message, this.#writer);
    const answer = dispatch(message, operation);
    if (!(answer instanceof Promise)) {
      this.#finish(operation, answer);
      return;
    }
    this.#turns.begin(operation);
    void answer.then((late) => {
      this.#turns.end(operation);
      this.#finish(operation, late);
      if (this.#sessionEnded) this.sessionEnded();
      this.#resume();
      this.#writer.flush();
    });
  }

  #finish(operation: RunningOperation, { op, controls = [] }: Answer): void {
    const { messageId, stopped } = operation;
    if (operation.isBind) this.#settle();
    const { idle_timeout_anonymous: anonymousMs, idle_timeout_bound: boundMs } = this.#options.config.ldap;
    this.#silence.allow(this.identity === undefined ? anonymousMs : boundMs);
    if (stopped === undefined) this.#writer.send({ messageId, op, controls });
    else if (stopped instanceof Canceled) this.#writer.send(canceledSearch(messageId));
  }

  /** Tells the sessions who stands here now; a bind that ends after its connection is told as well, and forgotten. */
  #settle(): void {
    if (this.#registered !== this.identity) this.#options.onBound(this, this.#registered, this.identity);
    this.#registered = this.identity;
    if (!this.#closed || this.identity === undefined) return;
    this.identity = undefined;
    this.#settle();
  }

  #resume(): void {
    for (let message = this.#turns.next(); message !== undefined && !this.#transport.over; message = this.#turns.next())
      this.#start(message);
    if (this.#transport.paused && !this.#transport.over) this.#acceptAll();
  }

  #cancel(messageId: number, value: Buffer | undefined): void {
    this.#writer.send(cancelResponse(messageId, this.#turns.cancel(value)));
  }

  /** ldap.md §2.5: nothing may follow the request in clear text. */
  #startTls(messageId: number, value: Buffer | undefined): void {
    const wrap = this.#options.startTls();
    if (value !== undefined) this.#writer.send(startTlsResponse(messageId, resultCode.protocolError));
    else if (this.secure) this.#writer.send(startTlsResponse(messageId, resultCode.operationsError));
    else if (this.#framer.pending > 0) {
      this.#options.log.warn('octets behind StartTLS', { client: this.clientIp });
      this.#destroy();
    } else if (wrap instanceof Promise) this.#transport.holdUntil(wrap, () => this.#startTls(messageId, value));
    else {
      this.#writer.send(startTlsResponse(messageId, resultCode.success));
      this.#silence.allow(firstMessageMs);
      this.#transport.putTlsOn(wrap);
    }
  }

  #end(): void {
    if (this.#transport.over) return;
    this.#transport.end();
    this.#turns.stopAll();
  }

  #destroy(): void {
    this.#transport.destroy();
    this.#turns.stopAll();
  }

  #close(): void {
    this.#closed = true;
    this.#turns.stopAll();
    this.identity = undefined;
    this.#settle();
    this.#options.onClosed(this);
  }
}
