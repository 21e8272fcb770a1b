// What a client talks through (ldap.md §2.3, §2.5): its socket, TLS that may be put on it later, octets in, answers out. The
// writer stays the same whatever layer there is. What is said is the connection's matter.
import type { Socket } from 'node:net';
import type { TlsWrapper } from './late-tls.ts';
import { readStraight, stopReading } from './straight-reading.ts';
import { type ClientCertificate, clientCertificate, serverNameOf } from './tls-layer.ts';
import { ResponseWriter } from './writer.ts';
import { handshakeTrouble, tlsWithoutTls } from './wrong-layer.ts';

/** A peer that does not close its side keeps ours no longer. */
const closingMs = 2_000;

export interface TransportEvents {
  /** @param wrong why these octets, the first ones, cannot be LDAP */
  received(chunk: Buffer, wrong: string | undefined): void;
  /** The client sends nothing more. */
  ended(): void;
  /** @param reason for operators; nothing where a client just left */
  failed(reason: string | undefined): void;
  /** The last that is heard of it. */
  closed(): void;
}

export class Transport {
  readonly writer: ResponseWriter;
  readonly #events: TransportEvents;
  readonly #take = (chunk: Buffer) => this.#received(chunk);
  readonly #onError = (error: Error) => this.#failed(error);
  readonly #onEnd = () => this.#events.ended();
  readonly #onClose = () => this.#closed();
  #socket: Socket;
  #secure: boolean;
  /** Something came through the layer as it is now. */
  #heard = false;
  #held = false;
  #over = false;

  /** @param secure LDAPS: the socket speaks TLS already */
  constructor(socket: Socket, secure: boolean, events: TransportEvents) {
    this.#events = events;
    this.#socket = socket;
    this.#secure = secure;
    this.writer = new ResponseWriter(socket);
    this.#listen(socket);
  }

  get secure(): boolean {
    return this.#secure;
  }

  /** Nothing more is read, and nothing more written than what is on its way. */
  get over(): boolean {
    return this.#over;
  }

  /** Waiting for something; nothing is read meanwhile. */
  get held(): boolean {
    return this.#held;
  }

  get paused(): boolean {
    return this.#socket.isPaused();
  }

  /** Octets that the client has not taken yet. */
  get unsent(): number {
    return this.#socket.writableLength;
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

  pause(): void {
    this.#socket.pause();
  }

  /** Unless it waits for something. */
  resume(): void {
    if (this.#socket.isPaused() && !this.#held) this.#socket.resume();
  }

  /** Reads nothing until then. @param proceed not called when it is over by then */
  holdUntil(ready: Promise<unknown>, proceed: () => void): void {
    this.#held = true;
    this.#socket.pause();
    void ready.then(() => {
      this.#held = false;
      if (this.#over) return;
      this.#socket.resume();
      proceed();
      this.writer.flush();
    });
  }

  /** All answers so far go out in clear text, all others through TLS. */
  putTlsOn(wrap: TlsWrapper): void {
    const plain = this.#socket;
    this.writer.flush();
    stopReading(plain, this.#take);
    plain.off('end', this.#onEnd).off('close', this.#onClose); // ours alone: whoever counts connections listens, too
    this.#socket = wrap(plain);
    this.writer.switchTo(this.#socket);
    this.#secure = true;
    this.#heard = false;
    this.#listen(this.#socket);
  }

  /** Sends what there is, then says that nothing follows. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.writer.flush();
    this.#socket.end();
    this.#socket.setTimeout(closingMs, () => this.#socket.destroy());
  }

  destroy(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  /** As after an unbind (RFC 4511 §4.3.1): nothing more is said, but what the kernel has is still sent, and TLS says goodbye. */
  leave(): void {
    this.writer.flush();
    if (!this.#secure && this.unsent === 0) this.destroy();
    else this.end();
  }

  #listen(socket: Socket): void {
    readStraight(socket, this.#take);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    socket.on('end', this.#onEnd);
  }

  #received(chunk: Buffer): void {
    if (this.#over) return;
    const wrong = this.#secure || this.#heard ? undefined : tlsWithoutTls(chunk);
    this.#heard = true;
    this.#events.received(chunk, wrong);
  }

  #failed(error: Error): void {
    this.#events.failed(this.#secure && !this.#heard ? handshakeTrouble(error) : undefined);
    this.#socket.destroy();
  }

  #closed(): void {
    this.#over = true;
    this.#events.closed();
  }
}
