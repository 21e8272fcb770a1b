// Metrics of radius.md §9.2 under the reference's names. No label ever holds an address or a user name.
import type { Metrics, Observer, Tally } from '@gatehouse/daemon/metrics';
import type { DropReason, RejectReason } from './errors.ts';

export interface RadiusMetrics {
  packet(code: string): void;
  dropped(reason: DropReason): void;
  replayed(): void;
  rejected(app: string, reason: RejectReason): void;
  took(app: string, seconds: number): void;
  eap(method: string, result: string): void;
  accounting(statusType: string): void;
  coa(type: string, result: string): void;
  homeServer(name: string, result: string): void;
}

export interface MetricSources {
  readonly outpostName: () => string;
  readonly eapSessions: () => number;
  /** Datagrams lost in the kernel, where it tells. */
  readonly kernelDrops: () => number;
  /** Whether each home server is there. */
  readonly homeServers: () => readonly { readonly name: string; readonly isAlive: boolean }[];
}

const prefix = 'authentik_outpost_radius_';

export function createRadiusMetrics(
  metrics: Metrics,
  { outpostName, eapSessions, kernelDrops, homeServers }: MetricSources,
): RadiusMetrics {
  const counter = (name: string, help: string, labels: readonly string[]) =>
    metrics.counter({ name: prefix + name, help, labels });
  const packets = counter('packets_total', 'Packets received, by code', ['code']);
  const dropped = counter('dropped_total', 'Packets left without an answer', ['reason']);
  const replayed = counter('duplicates_replayed_total', 'Retransmissions answered from memory', []);
  const accounting = counter('accounting_total', 'Accounting requests', ['status_type']);
  const eap = counter('eap_total', 'EAP conversations, by how they ended', ['method', 'result']);
  metrics.gauge({
    name: `${prefix}eap_sessions`,
    help: 'EAP conversations going on',
    labels: [],
    collect: eapSessions,
  });
  metrics.gauge({
    name: `${prefix}kernel_drops`,
    help: 'Datagrams that the kernel threw away because the receive buffer was full',
    labels: [],
    collect: kernelDrops,
  });
  metrics.gauge({
    name: `${prefix}home_server_alive`,
    help: 'Whether a home server answers, 1 or 0; of several workers the sum',
    labels: ['home_server'],
    collect: () =>
      homeServers().map(({ name, isAlive }) => ({ labels: { home_server: name }, value: isAlive ? 1 : 0 })),
  });
  const forwarded = counter('forwarded_total', 'Requests handed on to home servers, by what came of them', [
    'home_server',
    'result',
  ]);
  const coa = counter('coa_total', 'Requests sent to devices', ['type', 'result']);
  const rejected = counter('requests_rejected_total', 'Total number of rejected requests', [
    'outpost_name',
    'reason',
    'app',
  ]);
  const took = metrics.histogram({
    name: `${prefix}request_duration_seconds`,
    help: 'RADIUS request latencies in seconds',
    labels: ['outpost_name', 'app'],
  });
  const tallies = new Map<string, Tally>();
  const packetTally = (code: string) => {
    const known = tallies.get(code) ?? packets.bind({ code });
    tallies.set(code, known);
    return known;
  };
  const observers = new Map<string, Observer>();
  let observedName = '';
  return {
    packet: (code) => packetTally(code).add(),
    dropped: (reason) => dropped.add({ reason }),
    replayed: () => replayed.add({}),
    rejected: (app, reason) => rejected.add({ outpost_name: outpostName(), reason, app }),
    took(app, seconds) {
      const name = outpostName();
      if (name !== observedName) observers.clear(); // the core has named us, or renamed
      observedName = name;
      const observer = observers.get(app) ?? took.bind({ outpost_name: name, app });
      observers.set(app, observer);
      observer.observe(seconds);
    },
    eap: (method, result) => eap.add({ method, result }),
    coa: (type, result) => coa.add({ type, result }),
    homeServer: (home_server, result) => forwarded.add({ home_server, result }),
    accounting: (status_type) => accounting.add({ status_type }),
  };
}
