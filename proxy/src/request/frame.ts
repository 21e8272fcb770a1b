// A body with room for a head in front of it, so that both leave in one plain write of one piece of memory: no list of
// pieces for the kernel, no text to turn into bytes but the head. Used by ready-response.ts for small bodies that are sent
// over and over.

/** Heads are some hundred bytes; a longer one goes the usual way. */
const headRoom = 2_048;

export class Frame {
  readonly #body: Buffer;
  #bytes: Buffer | undefined;

  /** @param body not copied before the first use; must not change */
  constructor(body: Buffer) {
    this.#body = body;
  }

  /** Head and body; good until the next call, unless {@link leave} is called before. @param head latin1 */
  fill(head: string): Buffer | undefined {
    const from = headRoom - head.length;
    if (from < 0) return undefined;
    this.#bytes ??= Buffer.concat([Buffer.alloc(headRoom), this.#body]);
    this.#bytes.write(head, from, 'latin1');
    return this.#bytes.subarray(from);
  }

  /** What `fill` returned last is still being read by somebody: the next one gets memory of its own. */
  leave(): void {
    this.#bytes = undefined;
  }
}
