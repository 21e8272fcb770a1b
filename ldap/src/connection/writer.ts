// Writes answers: everything that is ready goes out in one write, and a client that reads slowly makes its own search wait.
// Octets are gathered in a slab that all connections share, so that an idle connection holds no memory for it; each writer
// has one piece of the slab, which ends where another writer's begins.
import type { Writable } from 'node:stream';
import type { ByteSink } from '@gatehouse/wire/ber';
import { type LdapMessage, type ResponseOp, writeResponse } from '@gatehouse/wire/ldap';

/** Written at once when this much is ready. */
const pieceBytes = 65_536;
const slabBytes = 262_144;
/** Unsent octets at which producers wait (ldap.md §2.1). */
const mostUnsent = 1_048_576;

const shared = { slab: Buffer.allocUnsafeSlow(slabBytes), used: 0 };

export class ResponseWriter implements ByteSink {
  #socket: Writable;
  /** The piece that is not written yet: `bytes` from `#start` to `#end`. */
  bytes = shared.slab;
  #start = 0;
  #end = 0;

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  /** After StartTLS everything goes through the new layer. */
  switchTo(socket: Writable): void {
    this.flush();
    this.#socket = socket;
  }

  /** Room for so many octets behind what is ready; the caller fills it at once. @returns where in `bytes` it begins */
  room(size: number): number {
    const fits = this.bytes === shared.slab && this.#end === shared.used && this.#end - this.#start < pieceBytes;
    if (!fits || shared.used + size > shared.slab.length) this.#newPiece(size);
    const at = this.#end;
    this.#end += size;
    shared.used = this.#end;
    return at;
  }

  send(response: LdapMessage<ResponseOp>): void {
    writeResponse(response, this);
  }

  /** A promise to wait for while the client is behind. */
  get behind(): Promise<void> | undefined {
    return this.#socket.writableLength > mostUnsent ? this.#drained() : undefined;
  }

  /** Callers flush before they wait for anything. */
  flush(): void {
    if (this.#start === this.#end) return;
    const piece = this.bytes.subarray(this.#start, this.#end);
    this.#start = this.#end;
    if (this.#socket.writable) this.#socket.write(piece);
  }

  #newPiece(size: number): void {
    this.flush();
    if (shared.used + size > shared.slab.length) {
      shared.slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, size));
      shared.used = 0;
    }
    this.bytes = shared.slab;
    this.#start = shared.used;
    this.#end = shared.used;
  }

  #drained(): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve) => {
      const done = () => {
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      socket.on('drain', done);
      socket.on('close', done);
    });
  }
}
