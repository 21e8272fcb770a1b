// A request and its whole answer, over kept connections to the core. Below `undici.request`: no stream for a body that is wanted
// whole, and one timer and one listener for a call instead of combined signals, which took a third of what a call costs. The one
// file that imports undici.
import { type Dispatcher, Pool } from 'undici';
import type { CoreAddress } from './base-url.ts';

const answerTimeoutMs = 30_000;

/** What is sent, below the level of meaning; flow sessions use it too. */
export interface RawCall {
  readonly method: 'GET' | 'POST';
  /** Path and query as they shall be on the wire, prefix included. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface RawAnswer {
  readonly status: number;
  /** By name in small letters. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Exchange {
  /** @throws the reason of the call's signal; else what went wrong, with a `code` where there is one */
  send(call: RawCall): Promise<RawAnswer>;
  /** Open calls are finished first. */
  close(): Promise<void>;
}

export interface ExchangeOptions {
  /** Any certificate will do. */
  readonly insecure: boolean;
  /** Default 5 s. */
  readonly connectTimeoutMs?: number;
  /** Default 64 MiB. */
  readonly maxAnswerBytes?: number;
}

export function createExchange({ origin, socketPath }: CoreAddress, options: ExchangeOptions): Exchange {
  const { insecure, connectTimeoutMs = 5_000, maxAnswerBytes = 67_108_864 } = options;
  const pool = new Pool(origin, {
    connect: {
      timeout: connectTimeoutMs,
      rejectUnauthorized: !insecure,
      ...(socketPath === undefined ? {} : { socketPath }),
    },
    keepAliveTimeout: 30_000,
    connections: 128,
  });
  return {
    send: (call) =>
      new Promise((resolve, reject) => {
        call.signal?.throwIfAborted();
        const timeoutMs = call.timeoutMs ?? answerTimeoutMs;
        const { method, target: path, body = null } = call;
        const headers = { ...call.headers };
        pool.dispatch(
          { method, path, headers, body, headersTimeout: timeoutMs, bodyTimeout: timeoutMs },
          new Answering(call.signal, { ms: timeoutMs + connectTimeoutMs, bytes: maxAnswerBytes }, { resolve, reject }),
        );
      }),
    close: () => pool.close(),
  };
}

interface Waiter {
  readonly resolve: (answer: RawAnswer) => void;
  readonly reject: (reason: unknown) => void;
}

/** One answer as it comes in, until it is whole, fails, takes too long or is wanted no more. */
class Answering implements Dispatcher.DispatchHandler {
  readonly #waiter: Waiter;
  readonly #signal: AbortSignal | undefined;
  readonly #mostBytes: number;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #status = 0;
  #headers: RawAnswer['headers'] = {};
  /** There once a connection was found for it. */
  #controller: Dispatcher.DispatchController | undefined;
  #stopped: Error | undefined;

  constructor(signal: AbortSignal | undefined, most: { readonly ms: number; readonly bytes: number }, waiter: Waiter) {
    this.#waiter = waiter;
    this.#signal = signal;
    this.#mostBytes = most.bytes;
    this.#timer = setTimeout(() => this.#stop(new TooLate(most.ms)), most.ms).unref();
    signal?.addEventListener('abort', this);
  }

  /** The signal's. */
  handleEvent(): void {
    this.#stop(this.#signal?.reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#stopped !== undefined) controller.abort(this.#stopped);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: RawAnswer['headers']): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#mostBytes) this.#stop(new Error('answer too large'));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#settle();
    const [first] = this.#chunks;
    const bytes = first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    this.#waiter.resolve({ status: this.#status, headers: this.#headers, body: bytes.toString('utf8') });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#settle();
    this.#waiter.reject(error);
  }

  #stop(reason: unknown): void {
    this.#settle();
    this.#waiter.reject(reason);
    this.#stopped = reason instanceof Error ? reason : new Error(String(reason));
    this.#controller?.abort(this.#stopped);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this);
  }
}

class TooLate extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(limitMs: number) {
    super(`no whole answer within ${limitMs} ms`);
  }
}
