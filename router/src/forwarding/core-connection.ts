// Connections to the core, kept open and used again (router.md §20.3): the proxy's fast lane for requests without a body,
// undici for all others. The one file that imports undici. A restarted core gets new connections, so that no request is put
// on one of its predecessor.
import { createFastLane, type FastLane, FieldKinds, type HeaderBlock, headerBlock } from '@gatehouse/proxy/fast-lane';
import { type Dispatcher, Pool } from 'undici';

/** Where the core listens. */
export type CoreTarget =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export type ExchangeHandler = Dispatcher.DispatchHandler;
export type ExchangeController = Dispatcher.DispatchController;
export type Exchange = Pick<Dispatcher.DispatchOptions, 'path' | 'body'> & {
  readonly method: string;
  readonly headers: string[];
};

export interface CoreConnection {
  send(exchange: Exchange, handler: ExchangeHandler): void;
  readonly lane: FastLane;
  /** Of the core, as lanes are told. */
  readonly target: { readonly origin: string; readonly verifyTls: true };
  /** Requests under way beyond what there are connections for. */
  queued(): number;
  /** Counts a request until `leave`. */
  enter(): void;
  leave(): void;
}

export interface CoreConnectionOptions {
  readonly answerTimeoutMs: number;
  readonly writeStallMs: number;
  readonly maxConnections: number;
}

/** Fields of the core that are not for clients; `x-authentik-id` is ours to say. */
export const keptFromClients: readonly string[] = ['server', 'x-powered-by', 'x-authentik-id'];

/** Router.md §10: our own name, and two safe defaults where the core says nothing. @param lines of the core */
export function addedLines(lines: string): string {
  const nosniff = /^x-content-type-options:/im.test(lines) ? '' : 'X-Content-Type-Options: nosniff\r\n';
  const referrer = /^referrer-policy:/im.test(lines) ? '' : 'Referrer-Policy: same-origin\r\n';
  return `X-Powered-By: authentik\r\n${nosniff}${referrer}`;
}

/** For exchanges whose fields are all in the list. */
export const noFurtherFields: HeaderBlock = headerBlock([]);
const answers = { kinds: new FieldKinds(keptFromClients), added: addedLines };

interface Connected extends CoreConnection {
  readonly to: CoreTarget;
  readonly pool: Pool;
}

/** Follows the target: the pool is replaced when the core has come back somewhere else, or anew. */
export class CoreConnections implements AsyncDisposable {
  readonly #options: CoreConnectionOptions;
  #underWay = 0;
  #current: Connected | undefined;

  constructor(options: CoreConnectionOptions) {
    this.#options = options;
  }

  to(target: CoreTarget): CoreConnection {
    if (this.#current?.to === target) return this.#current;
    this.#retire();
    const pool = this.#open(target);
    const origin = target.kind === 'unix' ? `unix:${target.path}` : originOf(target);
    this.#current = {
      to: target,
      pool,
      lane: createFastLane({ ...this.#options, answers }),
      target: { origin, verifyTls: true },
      send: (exchange, handler) => void pool.dispatch({ ...exchange, method: exchange.method as 'GET' }, handler),
      // Counted here: the pool's own figure is a sum over all of its connections, for every request.
      queued: () => Math.max(0, this.#underWay - this.#options.maxConnections),
      enter: () => {
        this.#underWay += 1;
      },
      leave: () => {
        this.#underWay -= 1;
      },
    };
    return this.#current;
  }

  #open(target: CoreTarget): Pool {
    const { answerTimeoutMs, maxConnections } = this.#options;
    const socketPath = target.kind === 'unix' ? { socketPath: target.path } : {};
    return new Pool(originOf(target), {
      ...socketPath,
      connect: { timeout: 5_000 },
      connections: maxConnections,
      headersTimeout: answerTimeoutMs,
      bodyTimeout: 0, // event streams may be silent for long; the death of the core closes its sockets
      maxHeaderSize: 131_072,
    });
  }

  #retire(): void {
    this.#current?.pool.close().catch(() => undefined); // requests under way end by themselves
    this.#current?.lane.retire();
    this.#current = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const last = this.#current;
    this.#current = undefined;
    await Promise.all([last?.pool.destroy(), last?.lane[Symbol.asyncDispose]()]);
  }
}

/** The URL of a target without path; a socket's host is never used. */
export function originOf(target: CoreTarget): string {
  if (target.kind === 'unix') return 'http://localhost';
  return `http://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}
