// A request that was admitted, from its operation to the bytes of its answer: logged, counted, kept for repetitions. One
// request can harm itself only (E20). Called by receive.ts.
import { randomUUID } from 'node:crypto';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import { packetCode, packetCodeName } from '@gatehouse/wire/radius';
import type { RadiusMetrics } from '../metrics.ts';
import type { Admitted } from './admit.ts';
import type { Drops } from './drops.ts';
import type { DuplicateEntry } from './kept-request.ts';
import { composeReply } from './reply.ts';
import type { AdmittedRequest, Answer, Operation, Ways } from './request.ts';

export interface ServingOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: RadiusMetrics;
  readonly drops: Drops;
  /** By code. */
  readonly operations: ReadonlyMap<number, Operation>;
}

/** @returns the work that goes on, `undefined` when everything is done */
export function serve(
  options: ServingOptions,
  { request, entry }: Admitted,
  { send, handOn }: Ways,
): Promise<void> | undefined {
  const startedMs = options.clock.monotonicMs();
  const requestId = options.log.isEnabled('info') ? randomUUID() : undefined;
  const announce = () => {
    if (requestId !== undefined) options.log.info('Radius Request', fieldsOf(request, requestId));
  };
  const { owner } = request;
  if (owner === undefined) announce();
  const finish = (answer: Answer) => {
    if (answer.kind === 'elsewhere') {
      entry.forget();
      return handOn(owner ?? 0);
    }
    if (owner !== undefined) announce();
    const tookMs = options.clock.monotonicMs() - startedMs;
    options.metrics.took(request.provider.app, tookMs / 1000);
    settle(options, request, entry, answer, send);
    if (requestId !== undefined)
      options.log.info('Radius Response', responseFields(request, requestId, answer, tookMs));
  };
  try {
    const answer = options.operations.get(request.packet.code)?.(request);
    if (answer instanceof Promise)
      return answer.then(finish).catch((error: unknown) => fail(options, request, entry, error));
    finish(answer ?? { kind: 'silence', reason: 'unsupported_code' });
  } catch (error) {
    fail(options, request, entry, error);
  }
  return undefined;
}

type Answered = Exclude<Answer, { readonly kind: 'elsewhere' }>;

function fieldsOf({ packet, client }: AdmittedRequest, requestId: string) {
  return { code: packetCodeName(packet.code), request: requestId, ip: client, id: packet.identifier };
}

function responseFields(request: AdmittedRequest, requestId: string, answer: Answered, tookMs: number) {
  return {
    ...fieldsOf(request, requestId),
    code: answer.kind === 'reply' ? packetCodeName(answer.code) : 'none',
    provider: request.provider.name,
    duration_ms: Math.round(tookMs * 10) / 10,
    ...(answer.reason === undefined ? {} : { reason: answer.reason }),
    ...(answer.username === undefined ? {} : { username: answer.username }),
    ...(answer.realm === undefined ? {} : { realm: answer.realm }),
    ...(answer.homeServer === undefined ? {} : { home_server: answer.homeServer }),
  };
}

/** E20: a fault of ours harms this one request. */
function fail(
  { drops, metrics, log }: ServingOptions,
  request: AdmittedRequest,
  entry: DuplicateEntry,
  error: unknown,
): void {
  entry.forget();
  drops.note(request.client, 'failure', request.provider.name);
  metrics.dropped('failure');
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  log.error('request failed', { ...fieldsOf(request, randomUUID()), error: String(error), stack });
}

function settle(
  { metrics, drops }: ServingOptions,
  request: AdmittedRequest,
  entry: DuplicateEntry,
  answer: Answered,
  send: (bytes: Buffer) => void,
): void {
  if (answer.kind === 'silence') {
    entry.forget();
    drops.note(request.client, answer.reason, request.provider.name);
    metrics.dropped(answer.reason);
    return;
  }
  const bytes = composeOrReject(request, answer);
  if (bytes.reason !== undefined) metrics.rejected(request.provider.app, bytes.reason);
  if (entry.isCurrent()) send(bytes.reply);
  else {
    drops.note(request.client, 'superseded', request.provider.name);
    metrics.dropped('superseded');
  }
  entry.finish(bytes.reply);
}

/** E19: an Accept that does not fit is no Accept. */
function composeOrReject(request: AdmittedRequest, answer: Extract<Answer, { kind: 'reply' }>) {
  try {
    return { reply: composeReply(request, answer), reason: answer.reason };
  } catch {
    // ERR_WIRE_TOO_LARGE: the one thing encoding throws
    const reject = { kind: 'reply', code: packetCode.accessReject, attributes: [] } as const;
    return { reply: composeReply(request, reject), reason: 'reply_too_large' as const };
  }
}
