// The server end of a TLS connection that lives in memory (radius.md §19): bytes in, bytes out, no socket. TLS in Node is
// synchronous on the main thread, but nothing tells when an input is used up: it is when two turns of the event loop bring
// nothing new (Node reports a finished write one turn late, then writes on). Called by conversation.ts.
import { constants, type X509Certificate } from 'node:crypto';
import { Server } from 'node:net';
import { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { maxEapResumptionMs } from '../clients/settings.ts';

export interface TlsStep {
  /** To be sent to the peer; an alert when the handshake failed. */
  readonly output: Buffer;
  /** Decrypted data of the peer. */
  readonly data: Buffer;
  readonly isSecure: boolean;
  /** OpenSSL's code, such as `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`. */
  readonly error: string | undefined;
}

/** A session that the peer may name another time. */
export interface IssuedSession {
  readonly id: Buffer;
  /** As OpenSSL writes it; secret. */
  readonly session: Buffer;
}

export interface TlsEndpointOptions {
  readonly requestCertificate: boolean;
  /** Sessions are issued; without, whatever the peer was given is good for nothing. */
  readonly isResumable: boolean;
  /** Of the session that the peer's first flight names. */
  readonly session: Buffer | undefined;
}

const quietTurns = 2;
const maxTurns = 50;

/**
 * No tickets that hold a session themselves: what may be resumed is kept here, where it can be forgotten, and a ticket of TLS
 * 1.3 is its name (§19, point 7). No authority either, not even the public ones: who is behind a client certificate is decided
 * elsewhere.
 */
export function createEapContext(pair: { readonly certPem: string; readonly keyPem: string }): SecureContext {
  return createSecureContext({
    cert: pair.certPem,
    key: pair.keyPem,
    ca: [],
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_TICKET,
    sessionIdContext: 'gatehouse eap', // OpenSSL keeps no session of a peer that was asked for a certificate without one
    sessionTimeout: maxEapResumptionMs / 1000,
  });
}

export class TlsEndpoint {
  readonly #wire: MemoryWire;
  readonly #socket: TLSSocket;
  readonly #issued: IssuedSession[] = [];
  #data: Buffer[] = [];
  #changes = 0;
  #isSecure = false;
  #error: string | undefined;

  constructor(context: SecureContext, options: TlsEndpointOptions) {
    this.#wire = new MemoryWire(() => this.#note());
    const wire: Duplex = this.#wire;
    this.#socket = new TLSSocket(wire, {
      isServer: true,
      secureContext: context,
      requestCert: options.requestCertificate,
      // The core decides about the certificate (§8.5); here it only has to belong to the peer, which TLS itself proves.
      rejectUnauthorized: false,
      ...(options.isResumable ? { server: this.#sessionKeeper(options.session) } : {}),
    });
    if (options.session !== undefined) loadSession(this.#socket, options.session);
    this.#socket.on('secure', () => {
      this.#isSecure = true;
      this.#note();
    });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#data.push(chunk);
      this.#note();
    });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error ??= error.code ?? error.message;
      this.#note();
    });
  }

  /** Gives the peer's bytes to TLS and waits until it has nothing more to say. */
  async receive(input: Buffer): Promise<TlsStep> {
    if (input.length > 0) this.#wire.push(input);
    return this.#settle();
  }

  /** Encrypts; the output is in the step. */
  async send(plain: Buffer): Promise<TlsStep> {
    this.#socket.write(plain);
    return this.#settle();
  }

  /** The handshake was a short one: the peer has the session that it was let in with before. */
  get isResumed(): boolean {
    return this.#socket.isSessionReused();
  }

  /** All of this connection; those of TLS 1.3 come right after the handshake. */
  get issued(): readonly IssuedSession[] {
    return this.#issued;
  }

  get isTls13(): boolean {
    return this.#socket.getProtocol() === 'TLSv1.3';
  }

  /** The peer's own certificate; what it sent along hangs at its `issuerCertificate`, in the order it came. */
  get peerCertificate(): X509Certificate | undefined {
    return this.#socket.getPeerX509Certificate();
  }

  /** RFC 5705; without a context there is none, which is not the same as an empty one in TLS 1.2. */
  exportKey(bytes: number, label: string, context?: Buffer): Buffer {
    const given: [number, string, ...Buffer[]] = context === undefined ? [bytes, label] : [bytes, label, context];
    const key: unknown = Reflect.apply(this.#socket.exportKeyingMaterial, this.#socket, given);
    if (!Buffer.isBuffer(key)) throw new TypeError('TLS gave no keying material');
    return key;
  }

  destroy(): void {
    this.#socket.destroy();
    this.#wire.destroy();
  }

  /**
   * Node hands sessions over by the events of a server, which here never listens. The id in the second event is not looked at:
   * in TLS 1.3 it is not that of the session, which was found by the peer's first flight already.
   */
  #sessionKeeper(session: Buffer | undefined): Server {
    const keeper = new Server();
    keeper.on('newSession', (id: Buffer, issued: Buffer, done: () => void) => {
      this.#issued.push({ id, session: issued });
      done();
    });
    keeper.on('resumeSession', (_id: Buffer, done: (error: null, found: Buffer | null) => void) => {
      done(null, session ?? null);
    });
    return keeper;
  }

  #note(): void {
    this.#changes += 1;
  }

  async #settle(): Promise<TlsStep> {
    let seen = this.#changes;
    for (let quiet = 0, turns = 0; quiet < quietTurns && turns < maxTurns; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#changes === seen ? quiet + 1 : 0;
      seen = this.#changes;
    }
    const data = Buffer.concat(this.#data);
    this.#data = [];
    return { output: this.#wire.takeOutput(), data, isSecure: this.#isSecure, error: this.#error };
  }
}

/**
 * Node asks for a session (`resumeSession`) only where the peer's first flight has a session id, and devices that speak TLS 1.3
 * inside EAP send none. What that event ends in is called directly for them; were it gone, their handshakes would be full ones.
 */
function loadSession(socket: TLSSocket, session: Buffer): void {
  const handle: unknown = Reflect.get(socket, '_handle');
  const load: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'loadSession') : undefined;
  if (typeof load === 'function') Reflect.apply(load, handle, [session]);
}

/** What TLS takes for its network. */
class MemoryWire extends Duplex {
  readonly #onOutput: () => void;
  #output: Buffer[] = [];

  constructor(onOutput: () => void) {
    super();
    this.#onOutput = onOutput;
  }

  override _read(): void {
    // Input comes when the peer sends it.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#output.push(Buffer.from(chunk));
    this.#onOutput();
    done();
  }

  takeOutput(): Buffer {
    const taken = Buffer.concat(this.#output);
    this.#output = [];
    return taken;
  }
}
