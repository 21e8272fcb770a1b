// Floods of work that each request waits for take turns: a few pieces at a time, so that whatever else arrives meanwhile shares
// the event loop with these few and not with all. Where it is not the event loop that they wait for (a distant database), they
// are not held up: whenever the loop has been idle, another one begins. Alone, nobody waits.
import { performance } from 'node:perf_hooks';

export interface TurnsOptions {
  /** At a time. */
  readonly most?: number;
  /** How many of those that have begun are busy elsewhere and need the event loop for nothing. */
  readonly elsewhere?: () => number;
  /** For how long the event loop has been idle in all. */
  readonly idleMs?: () => number;
}

/** Begins the work now or when it is its turn; in the order in which it came. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

const lookEveryMs = 1;

export function createTurns({
  most = 2,
  elsewhere = () => 0,
  idleMs = () => performance.eventLoopUtilization().idle,
}: TurnsOptions = {}): InTurn {
  const waiting: (() => void)[] = [];
  let begun = 0;
  let idleBefore = 0;
  let isLooking = false;
  const hasRoom = () => begun - elsewhere() < most;
  const begin = () => {
    const resolve = waiting.shift();
    if (resolve === undefined) return;
    begun += 1;
    resolve();
  };
  const beginNext = () => {
    while (waiting.length > 0 && hasRoom()) begin();
    if (waiting.length > 0) lookSoon();
  };
  const lookSoon = () => {
    if (!isLooking) setTimeout(look, lookEveryMs);
    isLooking = true;
  };
  const look = () => {
    isLooking = false;
    const idle = idleMs();
    if (idle > idleBefore) begin();
    idleBefore = idle;
    beginNext();
  };
  const wait = () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve);
      lookSoon();
    });
  return async (work) => {
    if (waiting.length > 0 || !hasRoom()) await wait();
    else begun += 1;
    try {
      return await work();
    } finally {
      begun -= 1;
      beginNext();
    }
  };
}
