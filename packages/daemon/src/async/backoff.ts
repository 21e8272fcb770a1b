// Growing waits with jitter, for everything that tries again.

export interface Backoff {
  /** The next wait in milliseconds: doubles up to the longest, ± jitter. */
  next(): number;
  reset(): void;
}

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Share of the wait by which it may be shorter or longer, default 0.2. */
  readonly jitter?: number;
  readonly random?: () => number;
}

export function createBackoff({ baseMs, maxMs, jitter = 0.2, random = Math.random }: BackoffOptions): Backoff {
  let attempt = 0;
  return {
    next() {
      const plain = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 40));
      attempt += 1;
      return plain * (1 - jitter + 2 * jitter * random());
    },
    reset() {
      attempt = 0;
    },
  };
}
