// The core process as an explicit state machine (router.md §16.2), pure: events in, state and actions out. The process
// itself is in core-process.ts.

export type CoreState = 'stopped' | 'starting' | 'healthy' | 'degraded' | 'restarting' | 'draining';

export type CoreEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'probe'; readonly healthy: boolean }
  | { readonly kind: 'exit' }
  | { readonly kind: 'restart-due' }
  | { readonly kind: 'drain' };

export type CoreAction =
  | { readonly do: 'spawn' }
  | { readonly do: 'kill' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'became-healthy' }
  | { readonly do: 'became-unhealthy' };

export interface Supervision {
  readonly state: CoreState;
  /** Times of exits within the last five minutes. */
  readonly crashesMs: readonly number[];
  readonly failedProbes: number;
  readonly healthySinceMs: number | undefined;
  readonly degradedSinceMs: number | undefined;
}

export const stopped: Supervision = {
  state: 'stopped',
  crashesMs: [],
  failedProbes: 0,
  healthySinceMs: undefined,
  degradedSinceMs: undefined,
};

const crashMemoryMs = 5 * 60_000;
const forgivenAfterMs = 60_000;
const degradedAfterProbes = 3;
const killDegradedAfterMs = 30_000;
const longestDelayMs = 30_000;

type Step = readonly [Supervision, readonly CoreAction[]];

/** @param jitter factor between 0.8 and 1.2 put on the delay before a restart */
export function advance(now: Supervision, event: CoreEvent, nowMs: number, jitter: number): Step {
  switch (event.kind) {
    case 'start':
      return now.state === 'stopped' ? [{ ...stopped, state: 'starting' }, [{ do: 'spawn' }]] : [now, []];
    case 'probe':
      return event.healthy ? probedWell(now, nowMs) : probedBadly(now, nowMs);
    case 'exit':
      return exited(now, nowMs, jitter);
    case 'restart-due':
      return now.state === 'restarting'
        ? [{ ...now, state: 'starting', failedProbes: 0 }, [{ do: 'spawn' }]]
        : [now, []];
    case 'drain':
      return drain(now);
  }
}

function probedWell(now: Supervision, nowMs: number): Step {
  if (now.state === 'starting' || now.state === 'degraded') {
    const healthy: Supervision = {
      ...now,
      state: 'healthy',
      failedProbes: 0,
      healthySinceMs: nowMs,
      degradedSinceMs: undefined,
    };
    return [healthy, [{ do: 'became-healthy' }]];
  }
  if (now.state !== 'healthy') return [now, []];
  const forgiven = nowMs - (now.healthySinceMs ?? nowMs) >= forgivenAfterMs;
  return [{ ...now, failedProbes: 0, crashesMs: forgiven ? [] : now.crashesMs }, []];
}

function probedBadly(now: Supervision, nowMs: number): Step {
  if (now.state === 'degraded') {
    const overdue = nowMs - (now.degradedSinceMs ?? nowMs) >= killDegradedAfterMs;
    return [now, overdue ? [{ do: 'kill' }] : []];
  }
  if (now.state !== 'healthy') return [now, []];
  const failedProbes = now.failedProbes + 1;
  if (failedProbes < degradedAfterProbes) return [{ ...now, failedProbes }, []];
  return [{ ...now, state: 'degraded', failedProbes, degradedSinceMs: nowMs }, [{ do: 'became-unhealthy' }]];
}

function exited(now: Supervision, nowMs: number, jitter: number): Step {
  if (now.state === 'draining' || now.state === 'stopped') return [{ ...now, state: 'stopped' }, []];
  const crashesMs = [...now.crashesMs.filter((at) => nowMs - at < crashMemoryMs), nowMs];
  const ms = Math.min(longestDelayMs, 500 * 2 ** (crashesMs.length - 1)) * jitter;
  const restarting: Supervision = {
    ...now,
    state: 'restarting',
    crashesMs,
    healthySinceMs: undefined,
    degradedSinceMs: undefined,
    failedProbes: 0,
  };
  const unhealthy: CoreAction[] = now.state === 'healthy' ? [{ do: 'became-unhealthy' }] : [];
  return [restarting, [...unhealthy, { do: 'wait', ms }]];
}

function drain(now: Supervision): Step {
  if (now.state === 'stopped' || now.state === 'restarting') return [{ ...now, state: 'stopped' }, []];
  return [{ ...now, state: 'draining' }, now.state === 'draining' ? [] : [{ do: 'kill' }]];
}
