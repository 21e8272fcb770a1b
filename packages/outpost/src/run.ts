// Start and life of an outpost (core-contract §1.7 with B1–B6, B12, B20): the process is up and answers `unavailable` while
// the core is away; it reports itself degraded, keeps the last good configuration, and recovers by itself.
import { randomUUID } from 'node:crypto';
import { type CoreClient, createCoreClient } from '@gatehouse/contract/client';
import type { DeltaArguments } from '@gatehouse/contract/control-channel';
import { type OutpostRow, outpostRow } from '@gatehouse/contract/rest';
import { contractVersion } from '@gatehouse/contract/versions';
import { type Clock, createBackoff } from '@gatehouse/daemon/async';
import type { Secret } from '@gatehouse/daemon/config';
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger, LogLevel } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import type { z } from 'zod';
import { type CertificateStore, createCertificates } from './certificates/store.ts';
import { runControlChannel } from './control-channel/channel.ts';
import { outpostError } from './errors.ts';
import { createOutpostMetrics, type OutpostMetrics } from './metrics.ts';
import { createRefresher } from './refresher.ts';

export type OutpostType = 'ldap' | 'radius' | 'proxy';

export interface OutpostOptions<Row extends z.ZodType> {
  readonly type: OutpostType;
  readonly config: { readonly host: string; readonly token: Secret; readonly insecure: boolean };
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly providerRow: Row;
  /**
   * Takes a new list into service, whole; called with certificates up to date, and with the outpost as it is now. A throw
   * keeps the earlier list.
   */
  readonly onProviders: (rows: readonly z.infer<Row>[], outpost: OutpostRow) => Promise<void> | void;
  readonly onSessionEnd: (sessionId: string) => void;
  readonly onChannel?: (open: boolean) => void;
  /** Reads the list again as soon as the first channel opens, for what was changed between the two. Default: no (B20). */
  readonly readAgainOnOpen?: boolean;
  /** Told by our own core of what commits have changed, within a fraction of a second; others never call it. */
  readonly onChanges?: (changes: DeltaArguments) => void;
}

export interface Outpost {
  readonly core: CoreClient;
  readonly certificates: CertificateStore;
  readonly metrics: OutpostMetrics;
  readonly instanceUuid: string;
  /** Unknown until the core has answered once. */
  readonly name: () => string;
  refresh(): Promise<void>;
  /** Ends with the signal. */
  readonly finished: Promise<void>;
  close(): Promise<void>;
}

export function startOutpost<Row extends z.ZodType>(options: OutpostOptions<Row>): Outpost {
  const buildHash = process.env['GIT_BUILD_HASH'] ?? '';
  const version = buildHash === '' ? contractVersion : `${contractVersion}+${buildHash}`;
  const core = createCoreClient({ ...options.config, userAgent: `goauthentik.io/outpost/${version}` });
  const certificates = createCertificates(core, options.log);
  const metrics = createOutpostMetrics(options.metrics);
  metrics.certificates(certificates.expiries);
  const state: State<Row> = {
    options,
    core,
    buildHash,
    certificates,
    metrics,
    instanceUuid: randomUUID(),
    reloadOffsetMs: Math.floor(Math.random() * 10) * 1000,
    outpost: undefined,
    failing: false,
  };
  const refresher = createRefresher(() => refreshOnce(state));
  const finished = live(state, refresher.request);
  const onSignal = () => {
    refresher.request().catch(() => undefined); // refreshOnce has reported it
  };
  process.on('SIGUSR1', onSignal);
  return {
    core,
    certificates: state.certificates,
    metrics: state.metrics,
    instanceUuid: state.instanceUuid,
    name: () => state.outpost?.name ?? '',
    refresh: refresher.request,
    finished,
    async close() {
      process.off('SIGUSR1', onSignal);
      await finished;
      await core.close();
    },
  };
}

interface State<Row extends z.ZodType> {
  readonly options: OutpostOptions<Row>;
  readonly core: CoreClient;
  readonly buildHash: string;
  readonly certificates: CertificateStore;
  readonly metrics: OutpostMetrics;
  readonly instanceUuid: string;
  readonly reloadOffsetMs: number;
  outpost: OutpostRow | undefined;
  failing: boolean;
}

async function live<Row extends z.ZodType>(state: State<Row>, refresh: () => Promise<void>): Promise<void> {
  const { signal, clock, health } = state.options;
  health.set('core', { state: 'starting', reason: 'not asked yet' });
  const backoff = createBackoff({ baseMs: 500, maxMs: 30_000 });
  while (
    !signal.aborted &&
    !(await refresh().then(
      () => true,
      () => false,
    ))
  ) {
    await clock.sleep(backoff.next(), signal).catch(() => undefined); // aborted: the loop's own condition ends it
  }
  if (signal.aborted || state.outpost === undefined) return;
  await Promise.all([channel(state, state.outpost, refresh), interval(state, refresh)]);
}

function channel<Row extends z.ZodType>(
  state: State<Row>,
  outpost: OutpostRow,
  refresh: () => Promise<void>,
): Promise<void> {
  const { options, metrics, instanceUuid } = state;
  const labels = { outpost_name: outpost.name, outpost_type: options.type, uuid: instanceUuid };
  const refreshLater = () => {
    options.clock
      .sleep(state.reloadOffsetMs, options.signal)
      .then(refresh)
      .catch(() => undefined); // refreshOnce has reported it
  };
  return runControlChannel({
    client: state.core,
    outpostPk: outpost.pk,
    instanceUuid,
    buildHash: state.buildHash,
    log: options.log,
    clock: options.clock,
    signal: options.signal,
    onConnected(wasAway) {
      metrics.connection.set(labels, 1);
      options.health.set('control_channel', { state: 'ready' });
      options.onChannel?.(true);
      if (wasAway) refreshLater();
      else if (options.readAgainOnOpen === true) refresh().catch(() => undefined); // refreshOnce has reported it
    },
    onDisconnected(reason) {
      metrics.connection.set(labels, 0);
      options.health.set('control_channel', { state: 'degraded', reason });
      options.onChannel?.(false);
    },
    onTriggerUpdate: refreshLater,
    onSessionEnd: options.onSessionEnd,
    onChanges: options.onChanges,
  });
}

async function interval<Row extends z.ZodType>(state: State<Row>, refresh: () => Promise<void>): Promise<void> {
  const { signal, clock } = state.options;
  while (!signal.aborted) {
    await clock.sleep(refreshIntervalMs(state.outpost?.refresh_interval_s ?? 0), signal).catch(() => undefined);
    if (!signal.aborted) await refresh().catch(() => undefined); // refreshOnce has reported it; the next turn tries again
  }
}

/** core-contract §3.1: 0 or less is five minutes, less than 30 s is 30 s. */
export function refreshIntervalMs(seconds: number): number {
  if (!(seconds > 0)) return 300_000;
  return Math.max(30, seconds) * 1000;
}

async function refreshOnce<Row extends z.ZodType>(state: State<Row>): Promise<void> {
  const { options } = state;
  try {
    await fetchAll(state);
    if (state.failing) options.log.info('core reachable again', { core: options.config.host });
    state.failing = false;
    options.health.set('core', { state: 'ready' });
  } catch (error) {
    if (options.signal.aborted) throw error;
    const shown = isGatewayError(error)
      ? { code: error.code, error: error.message, hint: error.hint }
      : { error: String(error) };
    if (!state.failing) options.log.warn('core not usable', { core: options.config.host, ...shown });
    state.failing = true;
    options.health.set('core', { state: 'degraded', reason: shown.error });
    throw error;
  }
}

async function fetchAll<Row extends z.ZodType>(state: State<Row>): Promise<void> {
  const { options, core } = state;
  const { signal, type } = options;
  const [outpost] = await core.pages('/outposts/instances/', outpostRow, { signal });
  if (outpost === undefined) throw outpostError('ERR_OUTPOST_NO_OUTPOST', 'The core lists no outpost for this token.');
  if (outpost.type !== type)
    throw outpostError(
      'ERR_OUTPOST_WRONG_TYPE',
      `Outpost "${outpost.name}" is of type ${outpost.type}, this is ${type}.`,
    );
  applyLogLevel(options.log, outpost);
  const rows = await core.pages(`/outposts/${type}/`, options.providerRow, { signal });
  if (rows.length === 0 && type !== 'proxy')
    throw outpostError('ERR_OUTPOST_NO_PROVIDER', `Outpost "${outpost.name}" has no provider with an application.`);
  await state.certificates.refresh(rows.flatMap(certificateOf), signal);
  await options.onProviders(rows, outpost);
  state.outpost = outpost;
  const labels = {
    outpost_name: outpost.name,
    outpost_type: type,
    uuid: state.instanceUuid,
    version: contractVersion,
    build: state.buildHash,
  };
  state.metrics.info.set(labels, 1);
  state.metrics.lastUpdate.set(labels, Math.floor(options.clock.now() / 1000));
}

function certificateOf(row: unknown): string[] {
  const id = typeof row === 'object' && row !== null && 'certificate' in row ? row.certificate : undefined;
  return typeof id === 'string' ? [id] : [];
}

/** Not for managed outposts; what is no level of ours is debug, as in the reference. */
function applyLogLevel(log: Logger, outpost: OutpostRow): void {
  if (typeof outpost.managed === 'string' && outpost.managed !== '') return;
  const wanted = outpost.config['log_level'] ?? 'info';
  const levels: Readonly<Record<string, LogLevel>> = {
    trace: 'trace',
    debug: 'debug',
    info: 'info',
    warning: 'warn',
    error: 'error',
  };
  log.setLevel(levels[String(wanted).toLowerCase()] ?? 'debug');
}
