// Logins that wait for a code (Access-Challenge, radius.md B18): parked under a State, bound to provider and address of the
// device, for two minutes, each good for one answer. Called by operations/access-request.ts.
import { randomBytes } from 'node:crypto';
import type { Clock } from '@gatehouse/daemon/async';
import type { CodeWanted } from '../core.ts';
import { statePrefix } from '../workers/owner.ts';

export interface Challenges {
  /** @returns the State to send */
  park(providerPk: number, client: string, username: string, wanted: CodeWanted): Buffer;
  /** Puts back what was taken: the core was away, and the device will ask again. */
  giveBack(state: Buffer, providerPk: number, client: string, parked: Parked): void;
  /** Gives the login out, once; `undefined` for a State that is not known here, or no longer. */
  take(state: Buffer, providerPk: number, client: string): Parked | undefined;
  readonly size: number;
}

export interface Parked {
  readonly username: string;
  readonly wanted: CodeWanted;
}

const lifeMs = 120_000;
const maxParked = 10_000;

/** @param worker number of this process among its siblings */
export function createChallenges(clock: Clock, worker = 0): Challenges {
  const prefix = statePrefix(worker, 'challenge'); // never mistaken for an EAP conversation
  const parked = new Map<string, Parked & { providerPk: number; client: string; endMs: number }>();
  const expire = () => {
    const nowMs = clock.monotonicMs();
    for (const [key, { endMs }] of parked) {
      if (endMs > nowMs && parked.size < maxParked) return;
      parked.delete(key);
    }
  };
  const keep = (state: Buffer, entry: Parked & { providerPk: number; client: string }) =>
    void parked.set(state.toString('hex'), { ...entry, endMs: clock.monotonicMs() + lifeMs });
  return {
    park(providerPk, client, username, wanted) {
      expire();
      const state = Buffer.concat([prefix, randomBytes(14)]);
      keep(state, { providerPk, client, username, wanted });
      return state;
    },
    giveBack: (state, providerPk, client, { username, wanted }) =>
      keep(state, { providerPk, client, username, wanted }),
    take(state, providerPk, client) {
      expire();
      const key = state.toString('hex');
      const found = parked.get(key);
      if (found === undefined || found.providerPk !== providerPk || found.client !== client) return undefined;
      parked.delete(key);
      return found;
    },
    get size() {
      expire();
      return parked.size;
    },
  };
}
