// Carries a request to the application and its answer back: chooses upstream and lane, tries again where that is safe
// (proxy.md §9.7), and tells how it ended. A request is safe to send again when the upstream cannot have seen it, or when
// acting twice is the same as once; and in either case only while there is no body that is gone already.
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import type { UpstreamTarget } from '../applications/application.ts';
import { proxyError } from '../errors.ts';
import type { Balancer } from './balancer.ts';
import { createChunkedLane } from './chunked-lane.ts';
import type { Exchange, ExchangeFailure } from './exchange.ts';
import type { FastLane } from './fast-lane.ts';
import { createGeneralLane, hasBody } from './general-lane.ts';
import type { Pools } from './pools.ts';

export interface Forwarding extends AsyncDisposable {
  /** @returns what ends it because the client left */
  run(order: Order): () => void;
}

export interface Order extends Omit<Exchange, 'target' | 'onHead'> {
  readonly targets: readonly UpstreamTarget[];
  /** Longest wait for the head of the answer once the upstream has the whole request; without it, none. */
  readonly answerMs: number | undefined;
  /** The head of the answer is there and about to go out; told by which upstream. */
  readonly onHead: (target: UpstreamTarget) => void;
}

export interface ForwardingRooms {
  readonly pools: Pools;
  readonly fastLane: FastLane;
  readonly balancer: Balancer;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'sleep'>;
}

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export function createForwarding(rooms: ForwardingRooms): Forwarding {
  const general = createGeneralLane(rooms.pools);
  const chunked = createChunkedLane();
  const { fastLane } = rooms;
  return {
    run(order) {
      const attempts = new Attempts(order, rooms, (exchange) => {
        if (fastLane.takes(exchange)) return fastLane.run(exchange);
        return (chunked.takes(exchange) ? chunked : general).run(exchange);
      });
      attempts.next();
      return () => attempts.abort();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([fastLane, chunked, general].map((lane) => lane[Symbol.asyncDispose]()));
    },
  };
}

const nobody: ReadonlySet<UpstreamTarget> = new Set();

/** The attempts of one request. */
class Attempts {
  readonly #order: Order;
  readonly #rooms: ForwardingRooms;
  readonly #send: (exchange: Exchange) => () => void;
  #tried: Set<UpstreamTarget> | undefined;
  #hasBeenStale = false;
  #abort: () => void = () => undefined;
  /** Ends the wait for the head of an answer. */
  #watching: AbortController | undefined;
  #isLate = false;

  constructor(order: Order, rooms: ForwardingRooms, send: (exchange: Exchange) => () => void) {
    this.#order = order;
    this.#rooms = rooms;
    this.#send = send;
  }

  next(): void {
    const { targets } = this.#order;
    const target = this.#rooms.balancer.pick(targets, this.#tried ?? nobody);
    if (target === undefined) {
      const error = proxyError('ERR_PROXY_NO_UPSTREAM', `None of ${targets.length} upstreams can be reached.`);
      this.#order.onFailed({ error, phase: 'connect' });
    } else this.#try(target);
  }

  abort(): void {
    this.#abort();
  }

  #try(target: UpstreamTarget): void {
    // Each by its name: a spread costs more than sending the request.
    const { method, path, headers, request, requestTrailers, response, addedHeaders, dateLine, onBody } = this.#order;
    this.#abort = this.#send({
      target,
      method,
      path,
      headers,
      request,
      requestTrailers,
      response,
      addedHeaders,
      dateLine,
      onBody,
      onHead: () => {
        this.#watching?.abort();
        this.#rooms.balancer.reached(target);
        this.#order.onHead(target);
      },
      onFailed: (failure) => this.#failed(target, failure),
    });
    const { answerMs } = this.#order;
    if (answerMs !== undefined) this.#watch(answerMs).catch(() => undefined); // the answer has begun, or there will be none
  }

  /** Time counts from when all of the request has come, to the precision of that time: a long upload is no late answer. */
  async #watch(answerMs: number): Promise<void> {
    const { request } = this.#order;
    const watching = new AbortController();
    this.#watching = watching;
    for (let isWhole = false; !isWhole; ) {
      isWhole = request.complete || !hasBody(request);
      await this.#rooms.clock.sleep(answerMs, watching.signal);
    }
    this.#isLate = true;
    this.#abort();
  }

  #failed(target: UpstreamTarget, failure: ExchangeFailure): void {
    const { method, request, response, targets, onFailed, answerMs } = this.#order;
    this.#watching?.abort();
    if (this.#isLate) {
      const text = `The upstream has not begun to answer within ${answerMs} ms.`;
      return void onFailed({ error: proxyError('ERR_PROXY_UPSTREAM_LATE', text), phase: 'late' });
    }
    const isGone = hasBody(request) || response.headersSent || response.destroyed;
    if (failure.phase === 'connect' && failure.error.code === 'ERR_PROXY_UPSTREAM') {
      if (this.#rooms.balancer.failed(target) && targets.length > 1) {
        this.#rooms.log.warn('upstream left out for a while', { addr: target.origin, error: failure.error.message });
      }
      this.#tried ??= new Set();
      this.#tried.add(target);
      if (!isGone && targets.length > this.#tried.size) return void this.next();
    }
    // A kept connection that the upstream closed just then; a new one tells more.
    if (failure.phase === 'stale' && !this.#hasBeenStale && !isGone && idempotent.has(method)) {
      this.#hasBeenStale = true;
      return void this.#try(target);
    }
    onFailed(failure);
  }
}
