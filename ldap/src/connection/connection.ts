// One client (ldap.md §2.6): cuts its bytes into messages, runs up to a number of operations side by side, keeps binds and
// StartTLS to themselves, and ends in an orderly way. Whatever goes wrong here costs this connection and nothing else.
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
import { readStraight, stopReading } from './straight-reading.ts';
import { type ClientCertificate, clientCertificate, serverNameOf } from './tls-layer.ts';
import { Canceled, isStartTls, Turns } from './turns.ts';
import { ResponseWriter } from './writer.ts';
import { handshakeTrouble, tlsWithoutTls } from './wrong-layer.ts';

/** ldap.md §2.1. */
const anonymousLimits: DecodeLimits = { maxDepth: 64, maxFilterNodes: 4_096, maxBytes: 262_144 };
const boundLimits: DecodeLimits = { ...anonymousLimits, maxBytes: 4_194_304 };
const firstMessageMs = 10_000;
/** A peer that does not close its side keeps ours no longer. */
const closingMs = 2_000;

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
  secure: boolean;
  readonly #options: ConnectionOptions;
  readonly #framer = new MessageFramer();
  readonly #writer: ResponseWriter;
  readonly #turns = new Turns();
  readonly #take = (chunk: Buffer) => this.#receive(chunk);
  readonly #onEnd = () => this.#end();
  readonly #onClose = () => this.#close();
  #id: string | undefined;
  #socket: Socket;
  /** As the sessions know it. */
  #registered: Identity | undefined;
  readonly #silence: Silence;
  #sessionEnded = false;
  /** On the layer as it is now. */
  #heard = false;
  #held = false;
  #ended = false;
  #closed = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#options = options;
    this.#socket = socket;
    this.#writer = new ResponseWriter(socket);
    this.component = options.component;
    this.clientIp = options.clientIp;
    this.cursors = new Cursors(options.clock);
    this.#silence = new Silence(options.clock.monotonicMs(), firstMessageMs);
    this.secure = options.secure;
    this.#listen(socket);
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
  get traffic(): { readonly read: number; readonly written: number } {
    return { read: this.#socket.bytesRead, written: this.#socket.bytesWritten };
  }

  get certificate(): ClientCertificate | undefined {
    return clientCertificate(this.#socket);
  }

  get serverName(): string | undefined {
    return serverNameOf(this.#socket);
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
    const unsent = this.#socket.writableLength;
    if (!this.#silence.isOver(nowMs, unsent) || this.#ended) return;
    if (this.idle) this.disconnect(resultCode.unavailable, 'idle for too long');
    else if (unsent > 0) this.#destroy(); // it asks, but does not take the answers
  }

  /** Notice of Disconnection (RFC 4511 §4.4.1), then the end. */
  disconnect(code: ResultCode, diagnosticMessage: string): void {
    if (this.#ended) return;
    this.#writer.send(noticeOfDisconnection(code, diagnosticMessage));
    this.#end();
  }

  #listen(socket: Socket): void {
    readStraight(socket, this.#take);
    socket.on('error', (error) => this.#failed(error));
    socket.on('close', this.#onClose);
    socket.on('end', this.#onEnd);
  }

  /** Clients that come and go are no news; one whose handshake fails will ask why. */
  #failed(error: Error): void {
    const reason = this.secure && !this.#heard ? handshakeTrouble(error) : undefined;
    if (reason !== undefined)
      this.#options.log.info('TLS handshake failed', { client: this.clientIp, component: this.component, reason });
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return;
    this.#silence.heardMs = this.#options.clock.monotonicMs();
    const wrong = this.secure || this.#heard ? undefined : tlsWithoutTls(chunk);
    this.#heard = true;
    this.#framer.push(chunk);
    if (wrong === undefined) this.#acceptAll();
    else this.#notUnderstood(wrong);
    this.#writer.flush();
  }

  /** A client that sends faster than it is answered, or takes its answers, is not read any further, never cut off. */
  #acceptAll(): void {
    try {
      while (!this.#ended && !this.#held && !this.#turns.isFull) {
        const limits = this.identity === undefined ? anonymousLimits : boundLimits;
        const bytes = this.#framer.next(limits.maxBytes);
        if (bytes === undefined) break;
        const isBound = this.identity !== undefined;
        this.#accept(isBound ? this.#options.known.decode(bytes, limits) : decodeRequest(bytes, limits));
        const { behind } = this.#writer;
        if (behind !== undefined && !this.#held) this.#holdUntil(behind, () => this.#acceptAll());
      }
      if (this.#turns.isFull) this.#socket.pause();
      else if (this.#socket.isPaused() && !this.#held) this.#socket.resume();
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
    this.#writer.flush();
    // Nothing more is said (RFC 4511 §4.3.1). What the kernel has is still sent; TLS says goodbye.
    if (!this.secure && this.#socket.writableLength === 0) this.#destroy();
    else this.#end();
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
    for (let message = this.#turns.next(); message !== undefined && !this.#ended; message = this.#turns.next())
      this.#start(message);
    if (this.#socket.isPaused() && !this.#ended) this.#acceptAll();
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
    } else if (wrap instanceof Promise) this.#holdUntil(wrap, () => this.#startTls(messageId, value));
    else {
      this.#writer.send(startTlsResponse(messageId, resultCode.success));
      this.#writer.flush();
      this.#putTlsOn(this.#socket, wrap);
    }
  }

  /** Nothing is read meanwhile. */
  #holdUntil(ready: Promise<unknown>, proceed: () => void): void {
    this.#held = true;
    this.#socket.pause();
    void ready.then(() => {
      this.#held = false;
      if (this.#ended) return;
      this.#socket.resume();
      proceed();
      this.#writer.flush();
    });
  }

  #putTlsOn(plain: Socket, wrap: TlsWrapper): void {
    stopReading(plain, this.#take);
    plain.off('end', this.#onEnd).off('close', this.#onClose); // ours alone: its listener counts the connection by them
    this.#silence.allow(firstMessageMs);
    this.#socket = wrap(plain);
    this.#writer.switchTo(this.#socket);
    this.secure = true;
    this.#heard = false;
    this.#listen(this.#socket);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#writer.flush();
    this.#socket.end();
    this.#turns.stopAll();
    this.#socket.setTimeout(closingMs, () => this.#socket.destroy());
  }

  #destroy(): void {
    this.#ended = true;
    this.#turns.stopAll();
    this.#socket.destroy();
  }

  #close(): void {
    this.#ended = true;
    this.#closed = true;
    this.#turns.stopAll();
    this.identity = undefined;
    this.#settle();
    this.#options.onClosed(this);
  }
}
