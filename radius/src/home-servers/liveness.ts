// Whether a home server is there. A request that stays without any answer makes it suspect; then Status-Server (RFC 5997) is
// asked, and without an answer to that either it is dead: its realms go to the next one until it answers again. A server
// without Status-Server is dead at once, for a time, and then tried again. Whatever it answers makes it alive.
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';

export interface LivenessOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly signal: AbortSignal;
  readonly hasStatusCheck: boolean;
  readonly checkEveryMs: number;
  readonly deadMs: number;
  /** Whether Status-Server is answered. */
  readonly check: () => Promise<boolean>;
}

export interface Liveness {
  readonly state: 'alive' | 'suspect' | 'dead';
  heard(): void;
  /** @param reason for the log */
  suspect(reason: string): void;
  /** Called each time it dies. @returns what takes the call back */
  whenDead(act: () => void): () => void;
}

const checksBeforeDeath = 2;

export function createLiveness(options: LivenessOptions): Liveness {
  return new Watch(options);
}

class Watch implements Liveness {
  state: Liveness['state'] = 'alive';
  readonly #options: LivenessOptions;
  readonly #mourners = new Set<() => void>();
  #diedMs = 0;
  #isLooking = false;

  constructor(options: LivenessOptions) {
    this.#options = options;
  }

  heard(): void {
    const { clock, log, name } = this.#options;
    if (this.state === 'dead')
      log.info('home server alive again', {
        home_server: name,
        gap_s: Math.round((clock.monotonicMs() - this.#diedMs) / 1_000),
      });
    this.state = 'alive';
  }

  suspect(reason: string): void {
    if (this.state !== 'alive') return;
    this.state = 'suspect';
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#look(reason)
      .catch(() => undefined) // aborted: the daemon ends, or the policy file has another server
      .finally(() => {
        this.#isLooking = false;
      });
  }

  whenDead(act: () => void): () => void {
    this.#mourners.add(act);
    return () => this.#mourners.delete(act);
  }

  async #look(reason: string): Promise<void> {
    const { hasStatusCheck, check, clock, checkEveryMs, deadMs, signal } = this.#options;
    for (let tried = 0; hasStatusCheck && tried < checksBeforeDeath; tried++) {
      if ((await check()) || this.#isAlive()) return this.heard();
      signal.throwIfAborted();
    }
    this.#die(reason);
    while (!this.#isAlive()) {
      await clock.sleep(hasStatusCheck ? checkEveryMs : deadMs, signal);
      if (!hasStatusCheck || (await check())) this.heard();
    }
  }

  /** A method, since answers come while something is awaited. */
  #isAlive(): boolean {
    return this.state === 'alive';
  }

  #die(reason: string): void {
    const { log, name, clock } = this.#options;
    this.state = 'dead';
    this.#diedMs = clock.monotonicMs();
    log.warn('home server dead', {
      home_server: name,
      reason,
      hint: 'Its realms go to their next server. See `gatehouse radius doctor`.',
    });
    for (const act of this.#mourners) act();
  }
}
