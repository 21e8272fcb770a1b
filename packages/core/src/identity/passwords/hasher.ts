// Making and checking password hashes, in threads of their own and of lower priority (threads.ts).
import { isUsable, preferred } from './encoded.ts';
import { createHashingThreads, type HashingThreads } from './threads.ts';

/** Something to compare with where there is no user or no password; made of 32 random bytes that nobody kept. */
const decoy = `${preferred}Lj7iOWKVKkYhGI8X/Mexig$bnjeOW28e7NH1huhrE0XR+z+wdMbQ4wB6oYn7CoclGw`;

export interface PasswordHasher {
  /** @throws ApiFailure 503, as `check` does, while too many others wait */
  make(password: string): Promise<string>;
  /** Takes as long for an unusable hash as for a wrong password. */
  check(password: string, encoded: string): Promise<boolean>;
  /** Whether a hash that just matched should be made anew. */
  isOutdated(encoded: string): boolean;
  /** How many wait for a hash now, or for a thread to make it. */
  readonly waiting: number;
  close(): Promise<void>;
}

export function createPasswordHasher(threads: HashingThreads = createHashingThreads()): PasswordHasher {
  return {
    async make(password) {
      const { made, failure } = await threads.ask({ password });
      if (made === undefined) throw new Error(`The password could not be hashed: ${failure}`);
      return made;
    },
    async check(password, encoded) {
      const usable = isUsable(encoded);
      const { matches = false } = await threads.ask({ password, encoded: usable ? encoded : decoy });
      return matches && usable;
    },
    isOutdated: (encoded) => !encoded.startsWith(preferred),
    get waiting() {
      return threads.waiting;
    },
    close: () => threads.close(),
  };
}
