// A request for the core, from the question whether there is one to what the client is told when it did not answer
// (router.md §10, §11). Called by the front door.
import type { Logger } from '@gatehouse/daemon/log';
import { answerEmpty } from '../endpoints/plain-answers.ts';
import { answerSituation, answerStarting } from '../endpoints/starting.ts';
import type { RouterMetrics } from '../metrics.ts';
import { acceptOf, type Exchange, ownFields, setOwn } from '../requests/exchange.ts';
import { type CoreConnections, type CoreTarget, originOf } from './core-connection.ts';
import { type Forwarded, forward } from './forward.ts';
import { forwardedHeaders } from './forwarded.ts';

/** The core as the front door sees it. */
export interface CoreView {
  /** Where requests go while the core is healthy; `undefined` otherwise. */
  usable(): CoreTarget | undefined;
  live(): Promise<boolean>;
  /** A request found nobody there. */
  missed(): void;
  /** What the core is doing, for people. */
  detail(): string | undefined;
}

export interface ToCoreRooms {
  readonly core: CoreView;
  readonly connections: CoreConnections;
  readonly metrics: RouterMetrics;
  readonly log: Logger;
  readonly dateLine: () => string;
}

/** @param isDraining readiness says no then, whatever the core says */
export async function passToCore(exchange: Exchange, isDraining: boolean, rooms: ToCoreRooms): Promise<void> {
  const { request, response, record, settings } = exchange;
  const target = rooms.core.usable();
  if (target === undefined || isDraining) {
    const isReadiness = request.url?.split('?')[0] === `${settings.webPath}-/health/ready/`;
    if (isReadiness) return answerEmpty(exchange, 503);
    if (target === undefined) {
      setOwn(exchange);
      return answerStarting(response, acceptOf(request), situationOf(exchange, rooms.core.detail()));
    }
  }
  const outcome = await forward(request, response, {
    connection: rooms.connections.to(target),
    headers: forwardedHeaders(request.rawHeaders, record.client, record.id),
    own: ownFields(exchange),
    dateLine: rooms.dateLine,
    maxBodyBytes: settings.maxBodyBytes,
    readStallMs: settings.readStallMs,
    writeStallMs: settings.writeStallMs,
  });
  if (outcome.kind === 'failed' || outcome.kind === 'cut') excuse(exchange, target, outcome, rooms);
}

function excuse(
  exchange: Exchange,
  target: CoreTarget,
  outcome: Extract<Forwarded, { kind: 'failed' | 'cut' }>,
  { core, metrics, log }: ToCoreRooms,
): void {
  const { request, response, record } = exchange;
  const kind = outcome.kind === 'failed' ? outcome.situation : 'cut';
  metrics.upstreamErrors.add({ kind });
  if (kind === 'unreachable' || kind === 'cut') core.missed();
  log.warn('core did not answer', {
    request_id: record.id,
    core: originOf(target),
    reason: kind,
    error: outcome.cause?.message ?? '',
  });
  if (outcome.kind === 'cut') return;
  if (!request.complete) response.shouldKeepAlive = false; // the rest of the body is nobody's
  setOwn(exchange);
  answerSituation(response, acceptOf(request), outcome.situation, situationOf(exchange));
}

/** What a situation's answer says besides its text. */
export function situationOf({ settings, record }: Exchange, detail?: string) {
  return { webPath: settings.webPath, requestId: record.id, detail };
}
