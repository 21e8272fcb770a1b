// Making and checking password hashes, on all cores but one: a flood of logins takes neither the core that answers everybody
// else nor the whole thread pool, which DNS and files share (LIBRARIES.md §9).
import { availableParallelism } from 'node:os';
import { createSemaphore } from '@gatehouse/daemon/async';
import { hash } from '@node-rs/argon2';
import { isUsable, passwordMatches } from './encoded.ts';

/** OWASP's minimum for argon2id (the library's own choice of variant): 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const preferred = 'argon2$argon2id$v=19$m=19456,t=2,p=1$';

export interface PasswordHasher {
  make(password: string): Promise<string>;
  /** Takes as long for an unusable hash as for a wrong password. */
  check(password: string, encoded: string): Promise<boolean>;
  /** Whether a hash that just matched should be made anew. */
  isOutdated(encoded: string): boolean;
}

export function createPasswordHasher(): PasswordHasher {
  const turns = createSemaphore(Math.max(1, availableParallelism() - 1));
  // Something to compare with where there is no user or no password.
  const decoy = turns.run(() => hash('a password that nobody has', cost)).then((text) => `argon2${text}`);
  return {
    make: (password) => turns.run(async () => `argon2${await hash(password, cost)}`),
    async check(password, encoded) {
      const usable = isUsable(encoded);
      const against = usable ? encoded : await decoy;
      return (await turns.run(() => passwordMatches(password, against))) && usable;
    },
    isOutdated: (encoded) => !encoded.startsWith(preferred),
  };
}
