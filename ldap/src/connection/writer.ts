// Writes answers: everything that is ready goes out in one write, and a client that reads slowly makes its own search wait.
import type { Writable } from 'node:stream';

/** Written at once when this much is ready. */
const chunkBytes = 65_536;
/** Unsent octets at which producers wait (ldap.md §2.1). */
const mostUnsent = 1_048_576;

export class ResponseWriter {
  #socket: Writable;
  #parts: Buffer[] = [];
  #bytes = 0;
  #scheduled = false;

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  /** After StartTLS everything goes through the new layer. */
  switchTo(socket: Writable): void {
    this.flush();
    this.#socket = socket;
  }

  /** @returns a promise to wait for while the client is behind */
  send(message: Buffer): Promise<void> | undefined {
    this.#parts.push(message);
    this.#bytes += message.length;
    if (this.#bytes >= chunkBytes) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => this.flush());
    }
    return this.#socket.writableLength > mostUnsent ? this.#drained() : undefined;
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#bytes === 0) return;
    const [first] = this.#parts;
    const whole = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    if (this.#socket.writable) this.#socket.write(whole);
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
