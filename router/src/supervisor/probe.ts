// Asks the core's own live view (router.md §13). Called by the supervisor, and by the live endpoint through `LiveVerdict`.
import { request as httpRequest } from 'node:http';
import { type Clock, createSingleFlight } from '@gatehouse/daemon/async';
import type { CoreTarget } from '../forwarding/core-connection.ts';

/** @returns true for a 2xx within `timeoutMs` */
export function probeCore(target: CoreTarget, webPath: string, timeoutMs: number): Promise<boolean> {
  const where = target.kind === 'unix' ? { socketPath: target.path } : { host: target.host, port: target.port };
  return new Promise((resolve) => {
    const headers = { 'User-Agent': 'goauthentik.io/router/healthcheck', Host: 'localhost' };
    const path = `${webPath}-/health/live/`;
    const probe = httpRequest(
      { ...where, path, method: 'HEAD', headers, agent: false, timeout: timeoutMs },
      (answer) => {
        answer.resume();
        const status = answer.statusCode ?? 500;
        resolve(status >= 200 && status < 300);
      },
    );
    const impatience = setTimeout(() => probe.destroy(), timeoutMs);
    probe.once('error', () => resolve(false));
    probe.once('close', () => {
      clearTimeout(impatience);
      resolve(false); // settled already where an answer came
    });
    probe.end();
  });
}

/**
 * The verdict of the moment, asked for at most once a second however many want to know. No target, no life: the end of a
 * process is known at once.
 */
export function createLiveVerdict(
  clock: Clock,
  target: () => CoreTarget | undefined,
  ask: (target: CoreTarget) => Promise<boolean>,
): () => Promise<boolean> {
  const flights = createSingleFlight<CoreTarget, boolean>();
  let known: { readonly of: CoreTarget; readonly atMs: number; readonly live: boolean } | undefined;
  return async () => {
    const at = target();
    if (at === undefined) return false;
    if (known?.of === at && clock.monotonicMs() - known.atMs < 1_000) return known.live;
    return flights.run(at, async () => {
      const live = await ask(at);
      known = { of: at, atMs: clock.monotonicMs(), live };
      return live;
    });
  };
}
