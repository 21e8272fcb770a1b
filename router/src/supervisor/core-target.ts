// Where the core is, and what it says of itself: from a setting, from the process that answered before us, by its metrics.
import type { Clock } from '@gatehouse/daemon/async';
import { type CoreTarget, originOf } from '../forwarding/core-connection.ts';
import { probeCore } from './probe.ts';

const patienceMs = 10_000;
const probeTimeoutMs = 5_000;
const metricsTimeoutMs = 2_000;

/** @param url of `core.url`: http, or `unix:` and a path */
export function targetOf(url: string): CoreTarget {
  const { protocol, pathname, hostname, port } = new URL(url);
  if (protocol === 'unix:') return { kind: 'unix', path: decodeURIComponent(pathname) };
  return { kind: 'tcp', host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 80 : Number(port) };
}

/**
 * A successor takes connections only when it can serve them: it asks the core of its predecessor first, and may then believe in
 * it at once.
 * @returns `undefined` when the core does not answer in time
 */
export async function awaitCore(target: CoreTarget, webPath: string, clock: Clock): Promise<CoreTarget | undefined> {
  for (const endMs = clock.monotonicMs() + patienceMs; clock.monotonicMs() < endMs; await clock.sleep(50)) {
    if (await probeCore(target, webPath, probeTimeoutMs)) return target;
  }
  return undefined;
}

/** The core's metrics as text; `undefined` when there are none. @param own listener of the metrics of a core of our own */
export async function fetchCoreMetrics(
  core: CoreTarget | undefined,
  own: CoreTarget | undefined,
  webPath: string,
): Promise<string | undefined> {
  if (core === undefined) return undefined;
  const url = own === undefined ? `${originOf(core)}${webPath}-/metrics/` : `${originOf(own)}/metrics`;
  if ((own ?? core).kind === 'unix') return undefined;
  try {
    const answer = await fetch(url, {
      signal: AbortSignal.timeout(metricsTimeoutMs),
      headers: { accept: 'text/plain' },
    });
    const isText = answer.headers.get('content-type')?.startsWith('text/plain') === true;
    const text = await answer.text();
    return answer.ok && isText ? text : undefined;
  } catch {
    return undefined; // the router's own metrics, with authentik_core_up, say the rest
  }
}
