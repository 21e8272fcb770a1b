// Cuts a byte stream into messages. Keeps at most one unfinished message; whole messages inside one chunk are not copied.
import { frameSize } from '../ber/index.ts';

export class MessageFramer {
  #held: Buffer = Buffer.alloc(0);

  /** Bytes that belong to a message which is not complete yet. */
  get pending(): number {
    return this.#held.length;
  }

  /** Bytes received and not handed out yet; empties the framer (StartTLS must find nothing here). */
  take(): Buffer {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held;
  }

  push(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
  }

  /**
   * The next whole message, or `undefined` while it is incomplete.
   * @throws WireError as soon as the first octets show that it can never be one, or that it is too large
   */
  next(maxBytes: number): Buffer | undefined {
    const size = frameSize(this.#held, 0x30, maxBytes);
    if (size === undefined || this.#held.length < size) return undefined;
    const message = this.#held.subarray(0, size);
    this.#held = this.#held.subarray(size);
    return message;
  }
}
