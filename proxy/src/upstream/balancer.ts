// Which of several upstreams takes the next request (proxy.md §17.21): by weight in turn, leaving out for a while those that
// could not be reached. A single upstream is always asked, unless its own check says no: nobody else could answer.
import type { Clock } from '@gatehouse/daemon/async';
import type { UpstreamTarget } from '../applications/application.ts';

export interface Balancer {
  /**
   * @param targets the same list object for the same application
   * @param tried those that have failed for this very request
   * @returns `undefined` when none is left that may be asked
   */
  pick(targets: readonly UpstreamTarget[], tried: ReadonlySet<UpstreamTarget>): UpstreamTarget | undefined;
  /** Could not be reached. @returns whether it is left out from now on */
  failed(target: UpstreamTarget): boolean;
  reached(target: UpstreamTarget): void;
  /** What an active check has found out; until it says otherwise, one that is down is not asked. */
  checked(target: UpstreamTarget, isUp: boolean): void;
}

const failuresToEject = 3;
const ejectedMs = 10_000;

interface Health {
  failures: number;
  ejectedUntilMs: number;
}

export function createBalancer(clock: Pick<Clock, 'now'>): Balancer {
  const health = new WeakMap<UpstreamTarget, Health>();
  const credits = new WeakMap<UpstreamTarget, number>();
  const down = new WeakSet<UpstreamTarget>();
  const isUp = (target: UpstreamTarget) =>
    !down.has(target) && (health.get(target)?.ejectedUntilMs ?? 0) <= clock.now();
  return {
    pick(targets, tried) {
      const [only] = targets;
      if (targets.length === 1) return only === undefined || tried.has(only) || down.has(only) ? undefined : only;
      return heaviest(
        targets.filter((target) => !tried.has(target) && isUp(target)),
        credits,
      );
    },
    failed(target) {
      const state = health.get(target) ?? { failures: 0, ejectedUntilMs: 0 };
      state.failures += 1;
      health.set(target, state);
      if (state.failures < failuresToEject) return false;
      state.failures = failuresToEject - 1; // after its pause one more failure is enough
      state.ejectedUntilMs = clock.now() + ejectedMs;
      return true;
    },
    reached(target) {
      if (health.has(target)) health.delete(target);
    },
    checked(target, isAlive) {
      if (isAlive) down.delete(target);
      else down.add(target);
    },
  };
}

/** Smooth weighted round robin: who has waited longest for its weight goes, and pays the weight of all. */
function heaviest(
  targets: readonly UpstreamTarget[],
  credits: WeakMap<UpstreamTarget, number>,
): UpstreamTarget | undefined {
  let best: UpstreamTarget | undefined;
  let total = 0;
  for (const target of targets) {
    const weight = target.weight ?? 1;
    total += weight;
    credits.set(target, (credits.get(target) ?? 0) + weight);
    if (best === undefined || (credits.get(target) ?? 0) > (credits.get(best) ?? 0)) best = target;
  }
  if (best !== undefined) credits.set(best, (credits.get(best) ?? 0) - total);
  return best;
}
