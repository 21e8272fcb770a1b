// Which sessions go by a name: a user's subject, or a session of the core.
import type { SessionKey } from './record.ts';

export class KeyIndex {
  readonly #keys = new Map<string, Set<SessionKey>>();

  add(name: string | undefined, key: SessionKey): void {
    if (name === undefined) return;
    const keys = this.#keys.get(name) ?? new Set();
    keys.add(key);
    this.#keys.set(name, keys);
  }

  remove(name: string | undefined, key: SessionKey): void {
    const keys = name === undefined ? undefined : this.#keys.get(name);
    keys?.delete(key);
    if (name !== undefined && keys?.size === 0) this.#keys.delete(name);
  }

  /** In the order in which they were added. */
  of(name: string): readonly SessionKey[] {
    return [...(this.#keys.get(name) ?? [])];
  }

  clear(): void {
    this.#keys.clear();
  }
}
