// How long a search may take: the client's time limit or our own, whichever is shorter (ldap.md §7.8).
import { nextTurn, othersWait, within } from '@gatehouse/daemon/async';
import { resultCode, type SearchRequest } from '@gatehouse/wire/ldap';
import { Refusal } from '../errors.ts';
import type { OperationContext } from './context.ts';

/** Work at a stretch before others get their turn, where there is more to do. */
export const turnMs = 4;
/** The first stretch of a search that comes while others wait for their turn. */
const busyMs = 0.5;

/** How long a search may go on at once that has not waited for a turn. */
export const firstStretchMs = (): number => (othersWait() ? busyMs : turnMs);

export interface Deadline {
  /** Aborted at the end of the time, or of the operation. */
  readonly signal: () => AbortSignal;
  readonly isOver: () => boolean;
  /** On the monotonic clock. */
  readonly nowMs: () => number;
  /** Lets others run. @throws Refusal timeLimitExceeded; the signal's reason */
  readonly turn: () => Promise<void>;
}

export function deadlineOf({ timeLimit }: SearchRequest, context: OperationContext): Deadline {
  const { clock } = context;
  const ownMs = context.config.ldap.max_search_time;
  const limitMs = timeLimit === 0 ? ownMs : Math.min(ownMs, timeLimit * 1000);
  const endMs = clock.monotonicMs() + limitMs;
  const isOver = () => clock.monotonicMs() >= endMs;
  return {
    signal: () => within(limitMs, context.signal),
    isOver,
    nowMs: () => clock.monotonicMs(),
    async turn() {
      await nextTurn();
      context.signal.throwIfAborted();
      if (isOver()) throw new Refusal(resultCode.timeLimitExceeded);
    },
  };
}
