// Catching up after the control channel was down (proxy.md §17.10): what ended meanwhile was told to nobody. From the moment
// it is back, each session is introspected once, in the background: when it is next used, and those that are held one after
// another, unused or not. A session whose token is no longer active ends. Access tokens are rows of the core that go with
// its session, so this is a reliable test (§7.6).
import { type Clock, createSemaphore } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import { LRUCache } from 'lru-cache';
import type { Application } from '../applications/application.ts';
import type { Tokens } from '../oidc/tokens.ts';
import type { VerifiedIdentity } from './identity.ts';

/** A session and whose provider it is of. */
export interface Held {
  readonly application: Application;
  readonly identity: VerifiedIdentity;
}

export interface Liveness {
  /** State of the control channel; the first opening is no reconnect. */
  channel(isOpen: boolean): void;
  /** A session was used. */
  seen(application: Application, identity: VerifiedIdentity): void;
  /** Asks about all of these in their order, at most twenty a second; ends when it is called again. */
  sweep(held: readonly Held[]): void;
  /** Resolves when no check is under way; for tests. */
  idle(): Promise<void>;
}

export interface LivenessOptions {
  readonly tokens: Pick<Tokens, 'isActive'>;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Sessions from before this process are asked about too. */
  readonly distrustsStart?: boolean;
  /** Ends everything that belongs to this identity's login. */
  readonly end: (identity: VerifiedIdentity) => Promise<void>;
}

const atATime = 4;
const mostWaiting = 1_000;
const sweepEveryMs = 50;

export function createLiveness({ tokens, log, clock, end, distrustsStart = false }: LivenessOptions): Liveness {
  const slots = createSemaphore(atATime);
  const checked = new LRUCache<string, true>({ max: 100_000 });
  const running = new Set<Promise<void>>();
  let wasLost = false;
  let isCatchingUp = distrustsStart;
  const check = async (application: Application, identity: VerifiedIdentity, key: string) => {
    try {
      const isActive = await slots.run(() => tokens.isActive(application, identity.claims.rawToken));
      if (isActive === undefined) checked.delete(key); // a core that is starting, or something in front of it
      if (isActive === false) await end(identity);
    } catch (error) {
      checked.delete(key); // asked again at its next use
      log.debug('session not checked', { name: application.name, error: String(error) });
    }
  };
  const seen = (application: Application, identity: VerifiedIdentity): boolean => {
    if (!isCatchingUp || slots.waiting >= mostWaiting) return false;
    const key = `${application.pk} ${identity.claims.sub} ${identity.claims.sid ?? ''} ${identity.claims.exp}`;
    if (checked.has(key)) return false;
    checked.set(key, true);
    const run = check(application, identity, key).finally(() => running.delete(run));
    running.add(run);
    return true;
  };
  let sweeps = 0;
  const sweep = async (held: readonly Held[]) => {
    sweeps += 1;
    const own = sweeps;
    for (const { application, identity } of held) {
      if (own !== sweeps) return;
      if (seen(application, identity)) await clock.sleep(sweepEveryMs);
    }
  };
  return {
    channel(isOpen) {
      if (isOpen && wasLost) {
        checked.clear();
        isCatchingUp = true;
      }
      wasLost ||= !isOpen;
      if (isOpen) wasLost = false;
    },
    seen(application, identity) {
      seen(application, identity);
    },
    sweep(held) {
      sweep(held).catch((error: unknown) => log.error('catching up ended', { error: String(error) }));
    },
    async idle() {
      await Promise.all(running);
    },
  };
}
