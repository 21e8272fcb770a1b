// One look at every process of an installation: its health, its metrics, its last complaint. What cannot be reached is
// down, and the rest is shown all the same.
import type { Address } from '@gatehouse/daemon/config';
import { formatAddress } from '@gatehouse/daemon/config';
import { z } from 'zod';
import type { AboutCore } from '../up/core-api.ts';
import { leastOf, parseExposition, type Sample, sumOf } from './exposition.ts';
import type { LastError } from './last-errors.ts';

export interface Watched {
  readonly name: string;
  readonly pid?: number;
  readonly metrics: Address;
  /** How often it was started again after it had ended; only of `gatehouse up`. */
  readonly restarts?: number;
}

export interface ProcessStatus {
  readonly name: string;
  readonly state: 'ready' | 'starting' | 'degraded' | 'failed' | 'down';
  /** Why it is not ready. */
  readonly reason: string;
  readonly version: string;
  /** Control channel to the core; `none` for what has no such channel. */
  readonly channel: 'open' | 'closed' | 'none';
  /** What is open right now: sessions, connections, conversations. */
  readonly open: number | undefined;
  readonly requests: number | undefined;
  /** Requests a second since the look before. */
  readonly rate: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly uptimeS: number | undefined;
  readonly restarts: number | undefined;
  readonly lastError: LastError | undefined;
}

export interface Look {
  readonly atMs: number;
  readonly processes: readonly ProcessStatus[];
}

export interface CollectOptions {
  readonly processes: readonly Watched[];
  readonly errors: ReadonlyMap<string, LastError>;
  readonly aboutCore: () => Promise<AboutCore>;
  readonly memory: (pid: number) => Promise<number | undefined>;
  readonly nowMs: number;
}

export async function collect(options: CollectOptions, before?: Look): Promise<Look> {
  const rows = await Promise.all(options.processes.map((watched) => look(watched, options)));
  const processes = rows.flat().map((row) => ({ ...row, rate: rateOf(row, before, options.nowMs) }));
  return { atMs: options.nowMs, processes };
}

interface Kind {
  readonly requests: string;
  readonly open: string;
  readonly logger: string;
}

/** What the processes of an installation count, and under which name they write their log. */
export const kinds: Readonly<Record<string, Kind>> = {
  router: {
    requests: 'authentik_main_requests_total',
    open: 'authentik_main_tunnels_open',
    logger: 'authentik.router',
  },
  core: { requests: 'authentik_core_requests_total', open: '', logger: 'gatehouse.core' },
  ldap: {
    requests: 'authentik_outpost_ldap_request_duration_seconds_count',
    open: 'authentik_outpost_ldap_connections',
    logger: 'authentik.outpost.ldap',
  },
  radius: {
    requests: 'authentik_outpost_radius_request_duration_seconds_count',
    open: 'authentik_outpost_radius_eap_sessions',
    logger: 'authentik.outpost.radius',
  },
  proxy: {
    requests: 'authentik_outpost_proxy_request_duration_seconds_count',
    open: '',
    logger: 'authentik.outpost.proxyv2',
  },
};

const readiness = z.object({
  ready: z.boolean(),
  components: z.record(z.string(), z.object({ state: z.string(), reason: z.string().optional() })),
});

type Seen = Omit<ProcessStatus, 'rate'>;

async function look(watched: Watched, options: CollectOptions): Promise<Seen[]> {
  const { name, pid, metrics } = watched;
  const url = `http://${formatAddress(metrics)}`;
  const [health, samples, memoryBytes, about] = await Promise.all([
    fetchHealth(`${url}/-/ready`),
    fetchSamples(`${url}/metrics`),
    pid === undefined ? undefined : options.memory(pid),
    name === 'core' ? options.aboutCore().catch(() => undefined) : undefined,
  ]);
  const started = leastOf(samples, 'process_start_time_seconds');
  const own = {
    ...rowOf(name, samples, health, options.errors),
    memoryBytes: memoryBytes ?? sumOf(samples, 'process_resident_memory_bytes'),
    uptimeS: started === undefined ? undefined : Math.max(0, options.nowMs / 1000 - started),
    restarts: watched.restarts,
  };
  const shown = about === undefined ? own : { ...own, version: about.version, open: about.sessions };
  const hasEmbedded = name === 'router' && Object.keys(health?.components ?? {}).some(isEmbedded);
  return hasEmbedded
    ? [shown, { ...rowOf('proxy', samples, embeddedOnly(health), options.errors), name: 'proxy (in router)' }]
    : [shown];
}

type Health = z.infer<typeof readiness>;

function rowOf(
  name: string,
  samples: readonly Sample[],
  health: Health | undefined,
  errors: CollectOptions['errors'],
): Seen {
  const kind = kinds[name];
  const troubled = Object.entries(health?.components ?? {}).filter(
    ([component, { state }]) => state !== 'ready' && (name !== 'router' || !isEmbedded(component)),
  );
  const channel = sumOf(samples, 'authentik_outpost_connection');
  return {
    name,
    state: health === undefined ? 'down' : worst(troubled.map(([, { state }]) => state)),
    reason: troubled
      .map(([component, { reason }]) => `${component}${reason === undefined ? '' : `: ${reason}`}`)
      .join('; '),
    version: samples.find((sample) => sample.name === 'authentik_outpost_info')?.labels['version'] ?? '',
    channel: name === 'router' || channel === undefined ? 'none' : channel > 0 ? 'open' : 'closed',
    open: kind === undefined || kind.open === '' ? undefined : sumOf(samples, kind.open),
    requests: kind === undefined ? undefined : sumOf(samples, kind.requests),
    memoryBytes: undefined,
    uptimeS: undefined,
    restarts: undefined,
    lastError: kind === undefined ? undefined : errors.get(kind.logger),
  };
}

const isEmbedded = (component: string) => component.startsWith('embedded_outpost_');

function embeddedOnly(health: Health | undefined): Health | undefined {
  if (health === undefined) return undefined;
  const components = Object.fromEntries(
    Object.entries(health.components)
      .filter(([component]) => isEmbedded(component))
      .map(([component, state]) => [component.replace('embedded_outpost_', ''), state]),
  );
  return { ...health, components };
}

function worst(states: readonly string[]): ProcessStatus['state'] {
  if (states.includes('failed')) return 'failed';
  if (states.includes('degraded')) return 'degraded';
  return states.length === 0 ? 'ready' : 'starting';
}

function rateOf({ name, requests }: Seen, before: Look | undefined, nowMs: number) {
  const earlier = before?.processes.find((row) => row.name === name)?.requests;
  if (before === undefined || earlier === undefined || requests === undefined) return undefined;
  return Math.max(0, requests - earlier) / Math.max(0.001, (nowMs - before.atMs) / 1000);
}

async function fetchHealth(url: string): Promise<Health | undefined> {
  const body = await fetchText(url, [200, 503]);
  const { data } = readiness.safeParse(body === undefined ? undefined : JSON.parse(body));
  return data;
}

async function fetchSamples(url: string): Promise<readonly Sample[]> {
  return parseExposition((await fetchText(url, [200])) ?? '');
}

/** `undefined` for whoever does not answer. */
async function fetchText(url: string, accepted: readonly number[]): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    const text = await answer.text();
    return accepted.includes(answer.status) ? text : undefined;
  } catch {
    return undefined;
  }
}
