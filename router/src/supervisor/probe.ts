// Asks the core's own live view (router.md §13). Called by the supervisor, and by the live endpoint through `LiveVerdict`.
import { request as httpRequest } from 'node:http';
import type { Clock } from '@gatehouse/daemon/async';
import { createSingleFlight } from '@gatehouse/daemon/async';
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

/** The verdict of the moment, asked for at most once a second however many want to know. */
export function createLiveVerdict(clock: Clock, ask: () => Promise<boolean>): () => Promise<boolean> {
  const flights = createSingleFlight<'live', boolean>();
  let known = { atMs: Number.NEGATIVE_INFINITY, live: false };
  return async () => {
    if (clock.monotonicMs() - known.atMs < 1_000) return known.live;
    return flights.run('live', async () => {
      const live = await ask();
      known = { atMs: clock.monotonicMs(), live };
      return live;
    });
  };
}
