// Connections to the core, kept open and used again (router.md §20.3). The one file that imports undici. A restarted core
// gets a new pool, so that no request is put on a connection of its predecessor.
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
  /** Requests under way beyond what there are connections for. */
  queued(): number;
  /** Counts a request until it is disposed of. */
  enter(): Disposable;
}

export interface CoreConnectionOptions {
  readonly answerTimeoutMs: number;
  readonly maxConnections: number;
}

/** Follows the target: the pool is replaced when the core has come back somewhere else, or anew. */
export class CoreConnections implements AsyncDisposable {
  readonly #options: CoreConnectionOptions;
  #underWay = 0;
  #current: { readonly target: CoreTarget; readonly pool: Pool } | undefined;

  constructor(options: CoreConnectionOptions) {
    this.#options = options;
  }

  to(target: CoreTarget): CoreConnection {
    if (this.#current?.target !== target) {
      this.#retire();
      this.#current = { target, pool: this.#open(target) };
    }
    const { pool } = this.#current;
    return {
      send: (exchange, handler) => void pool.dispatch({ ...exchange, method: exchange.method as 'GET' }, handler),
      // Counted here: the pool's own figure is a sum over all of its connections, for every request.
      queued: () => Math.max(0, this.#underWay - this.#options.maxConnections),
      enter: () => {
        this.#underWay += 1;
        return {
          [Symbol.dispose]: () => {
            this.#underWay -= 1;
          },
        };
      },
    };
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
    this.#current = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const last = this.#current?.pool;
    this.#current = undefined;
    await last?.destroy();
  }
}

/** The URL of a target without path; a socket's host is never used. */
export function originOf(target: CoreTarget): string {
  if (target.kind === 'unix') return 'http://localhost';
  return `http://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}
