// How long a client has been silent. Nothing is wound up with each message but a number: whoever has all connections asks each of
// them now and then, which costs less than a timer of each one's own.

export class Silence {
  /** When the client last sent something, on the monotonic clock. */
  heardMs: number;
  #limitMs: number;
  /** When an answer was last seen to be taken, and how much was not taken then. */
  #takenMs = 0;
  #unsent = 0;

  constructor(nowMs: number, limitMs: number) {
    this.heardMs = nowMs;
    this.#limitMs = limitMs;
  }

  allow(limitMs: number): void {
    this.#limitMs = limitMs;
  }

  /** @param unsent octets that the client has not taken yet: as long as they change, it is not silent */
  isOver(nowMs: number, unsent: number): boolean {
    if (unsent !== this.#unsent) this.#takenMs = nowMs;
    this.#unsent = unsent;
    return nowMs - Math.max(this.heardMs, this.#takenMs) >= this.#limitMs;
  }
}
