// Active health checks (proxy.md §17.21): upstreams that ask for it in the rule file are tried again and again, whether anybody
// uses them or not. Two failures in a row take one out, one success brings it back; the balancer is told and nobody else.
import { connect } from 'node:net';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import type { UpstreamCheck, UpstreamTarget } from '../applications/application.ts';
import type { Balancer } from './balancer.ts';
import type { Pools } from './pools.ts';

export interface HealthChecks {
  /** Watches these, and those alone, from now on. */
  watch(targets: readonly UpstreamTarget[]): void;
  close(): void;
}

export interface HealthCheckRooms {
  readonly pools: Pick<Pools, 'get'>;
  readonly balancer: Pick<Balancer, 'checked'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Logger;
}

const failuresToLeave = 2;

export function createHealthChecks(rooms: HealthCheckRooms): HealthChecks {
  const running = new Map<UpstreamTarget, AbortController>();
  const stop = (target: UpstreamTarget) => {
    running.get(target)?.abort();
    running.delete(target);
  };
  return {
    watch(targets) {
      const wanted = new Set(targets);
      for (const target of running.keys()) if (!wanted.has(target)) stop(target);
      for (const target of wanted) {
        if (target.check === undefined || running.has(target)) continue;
        const ending = new AbortController();
        running.set(target, ending);
        void follow(rooms, target, target.check, ending.signal);
      }
    },
    close() {
      for (const target of running.keys()) stop(target);
    },
  };
}

/** Never rejects. Ends with the signal. */
async function follow(
  { pools, balancer, clock, log }: HealthCheckRooms,
  target: UpstreamTarget,
  check: UpstreamCheck,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const trouble = await (check.path === undefined
      ? tryConnecting(target, check)
      : tryAsking(pools, target, check.path, check));
    if (signal.aborted) return;
    if (trouble === undefined && failures >= failuresToLeave) log.info('upstream up again', { addr: target.origin });
    failures = trouble === undefined ? 0 : failures + 1;
    if (failures === failuresToLeave) log.warn('upstream down', { addr: target.origin, error: trouble ?? '' });
    balancer.checked(target, failures < failuresToLeave);
    await clock.sleep(check.everyMs, signal).catch(() => undefined); // aborted: the loop's own condition ends it
  }
}

/** @returns what is wrong, if anything */
async function tryAsking(
  pools: Pick<Pools, 'get'>,
  target: UpstreamTarget,
  path: string,
  { timeoutMs }: UpstreamCheck,
): Promise<string | undefined> {
  try {
    const { statusCode, body } = await pools.get(target).request({
      path,
      method: 'GET',
      headers: { host: new URL(target.origin).host, 'user-agent': 'gatehouse-health-check' },
      signal: AbortSignal.timeout(timeoutMs),
    });
    await body.dump();
    return statusCode >= 200 && statusCode < 400 ? undefined : `status ${statusCode}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function tryConnecting({ origin }: UpstreamTarget, { timeoutMs }: UpstreamCheck): Promise<string | undefined> {
  const { hostname, port, protocol } = new URL(origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port || (protocol === 'https:' ? 443 : 80)) });
    const done = (trouble: string | undefined) => {
      socket.destroy();
      resolve(trouble);
    };
    socket.setTimeout(timeoutMs, () => done(`no connection within ${timeoutMs} ms`));
    socket.once('connect', () => done(undefined)).once('error', ({ message }) => done(message));
  });
}
