// The server end of a TLS connection that lives in memory (radius.md §19): bytes in, bytes out, no socket. TLS in Node is
// synchronous on the main thread, but nothing tells when an input is used up: it is when two turns of the event loop bring
// nothing new (Node reports a finished write one turn late, then writes on). Called by conversation.ts.
import { constants, type X509Certificate } from 'node:crypto';
import { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';

export interface TlsStep {
  /** To be sent to the peer; an alert when the handshake failed. */
  readonly output: Buffer;
  /** Decrypted data of the peer. */
  readonly data: Buffer;
  readonly isSecure: boolean;
  /** OpenSSL's code, such as `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`. */
  readonly error: string | undefined;
}

const quietTurns = 2;
const maxTurns = 50;

/**
 * No tickets: a resumed tunnel would come without its inner password (§19, point 7). No authority either, not even the public
 * ones: who is behind a client certificate is decided elsewhere.
 */
export function createEapContext(pair: { readonly certPem: string; readonly keyPem: string }): SecureContext {
  return createSecureContext({
    cert: pair.certPem,
    key: pair.keyPem,
    ca: [],
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
}

export class TlsEndpoint {
  readonly #wire: MemoryWire;
  readonly #socket: TLSSocket;
  #data: Buffer[] = [];
  #changes = 0;
  #isSecure = false;
  #error: string | undefined;

  constructor(context: SecureContext, options: { readonly requestCertificate: boolean }) {
    this.#wire = new MemoryWire(() => this.#note());
    const wire: Duplex = this.#wire;
    this.#socket = new TLSSocket(wire, {
      isServer: true,
      secureContext: context,
      requestCert: options.requestCertificate,
      // The core decides about the certificate (§8.5); here it only has to belong to the peer, which TLS itself proves.
      rejectUnauthorized: false,
    });
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
