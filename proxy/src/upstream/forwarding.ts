// Carries a request to the application and its answer back: chooses the lane, tries again where that is safe (proxy.md
// §9.7), and tells how it ended. A request is safe to send again when the upstream cannot have acted on it, or when acting
// twice is the same as once and there is no body that is gone already.
import type { Exchange, ExchangeFailure } from './exchange.ts';
import type { createFastLane } from './fast-lane.ts';
import { createGeneralLane, hasBody } from './general-lane.ts';
import type { Pools } from './pools.ts';

export interface Forwarding extends AsyncDisposable {
  /** @returns what ends it because the client left */
  run(exchange: Exchange): () => void;
}

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export function createForwarding(pools: Pools, fastLane: ReturnType<typeof createFastLane>): Forwarding {
  const generalLane = createGeneralLane(pools);
  const attempt = (exchange: Exchange) => (fastLane.takes(exchange) ? fastLane : generalLane).run(exchange);
  return {
    run(exchange) {
      let abort: () => void = () => undefined;
      const again = (failure: ExchangeFailure) => {
        if (!isSafe(exchange, failure)) return exchange.onFailed(failure);
        abort = attempt(exchange);
      };
      abort = attempt({ ...exchange, onFailed: again });
      return () => abort();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([fastLane[Symbol.asyncDispose](), generalLane[Symbol.asyncDispose]()]);
    },
  };
}

function isSafe({ method, request, response }: Exchange, { phase }: ExchangeFailure): boolean {
  return (
    phase === 'stale' && idempotent.has(method) && !hasBody(request) && !response.headersSent && !response.destroyed
  );
}
