// Cuts a byte stream into messages. Keeps at most one unfinished message; whole messages inside one chunk are not copied, and
// the chunks of an unfinished one are joined once, when the last has come, however small the peer cuts them.
import { frameSize } from '../ber/index.ts';

const nothing = Buffer.alloc(0);

export class MessageFramer {
  #held: Buffer = nothing;
  #later: Buffer[] = [];
  #pending = 0;
  /** Bytes without which there is nothing new to say. */
  #wanted = 0;

  /** Bytes that belong to a message which is not complete yet. */
  get pending(): number {
    return this.#pending;
  }

  push(chunk: Buffer): void {
    if (this.#held.length === 0) this.#held = chunk;
    else this.#later.push(chunk);
    this.#pending += chunk.length;
  }

  /**
   * The next whole message, or `undefined` while it is incomplete.
   * @throws WireError as soon as the first octets show that it can never be one, or that it is too large
   */
  next(maxBytes: number): Buffer | undefined {
    if (this.#pending < this.#wanted || this.#pending === 0) return undefined;
    if (this.#later.length > 0) this.#join();
    const size = frameSize(this.#held, 0x30, maxBytes);
    if (size === undefined || this.#pending < size) {
      this.#wanted = size ?? this.#pending + 1;
      return undefined;
    }
    this.#wanted = 0;
    this.#pending -= size;
    const message = this.#pending === 0 ? this.#held : this.#held.subarray(0, size);
    this.#held = this.#pending === 0 ? nothing : this.#held.subarray(size);
    return message;
  }

  #join(): void {
    this.#held = Buffer.concat([this.#held, ...this.#later], this.#pending);
    this.#later = [];
  }
}
