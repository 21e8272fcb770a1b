// Which home server has given out a State: the conversation that it stands for is known there alone.
import type { Clock } from '@gatehouse/daemon/async';

export interface StatesOfServers {
  remember(state: Buffer | undefined, server: string): void;
  serverOf(state: Buffer): string | undefined;
}

const lifeMs = 120_000;
const maxStates = 50_000;

export function createStates(clock: Clock): StatesOfServers {
  const known = new Map<string, { readonly server: string; readonly endMs: number }>(); // in the order of their end
  return {
    remember(state, server) {
      if (state === undefined) return;
      const nowMs = clock.monotonicMs();
      for (const [old, { endMs }] of known) {
        if (endMs > nowMs && known.size < maxStates) break;
        known.delete(old);
      }
      const key = state.toString('latin1');
      known.delete(key);
      known.set(key, { server, endMs: nowMs + lifeMs });
    },
    serverOf: (state) => known.get(state.toString('latin1'))?.server,
  };
}
