// The first process of a daemon with several workers: starts them, starts again what dies, passes on what one tells the
// others, and answers for all of them. Requests never come here: node:cluster shares the sockets among the workers.
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { type Clock, createBackoff } from '../async/index.ts';
import type { Health } from '../health/index.ts';
import type { Logger } from '../log/index.ts';
import { aggregateMetrics } from '../metrics/index.ts';
import { fromWorker } from './messages.ts';

export interface WorkersOptions {
  readonly count: number;
  readonly log: Logger;
  readonly clock: Clock;
  /** Gets the state of each worker, and of each of its components. */
  readonly health: Health;
  readonly signal: AbortSignal;
  /** What a worker says of its daemon's own, as it came. */
  readonly onMessage: (from: number, message: unknown) => void;
}

export interface Workers {
  /** Resolves when each of the first workers listens; to false when the signal came before. @throws Error when one ends before */
  readonly ready: Promise<boolean>;
  /** Prometheus text of all of them together. */
  metrics(): Promise<string>;
  /** A page of each, by number; empty of one that does not say it in time. */
  pages(page: string): Promise<readonly string[]>;
  /** To one that is gone nothing is said: its successor begins anew. */
  tell(to: number, message: object): void;
  tellOthers(from: number, message: object): void;
  /** Lets each finish what it has begun; ends what takes longer. */
  stop(graceMs: number): Promise<void>;
}

const answerMs = 2_000;

/** Workers are counted from 0; one that dies is followed by another of the same number. */
export function startWorkers(options: WorkersOptions): Workers {
  cluster.setupPrimary({ serialization: 'advanced' }); // octets pass as octets
  return new WorkerSet(options);
}

class WorkerSet implements Workers {
  readonly ready: Promise<boolean>;
  readonly #options: WorkersOptions;
  readonly #lives: Promise<void>[];
  readonly #workers = new Map<number, Worker>();
  /** Numbers of those that listen, and hear what they are told. */
  readonly #listening = new Set<number>();
  readonly #questions = new Map<number, (text: string) => void>();
  #asked = 0;

  constructor(options: WorkersOptions) {
    this.#options = options;
    const kept = Array.from({ length: options.count }, (_, number) => this.#keep(number));
    const all = Promise.all(kept.map(({ ready }) => ready)).then(() => true);
    this.ready = Promise.race([all, aborted(options.signal)]);
    this.#lives = kept.map(({ life }) => life);
  }

  async metrics(): Promise<string> {
    return aggregateMetrics(await this.pages('metrics'));
  }

  pages(page: string): Promise<readonly string[]> {
    return Promise.all([...this.#workers.keys()].map((number) => this.#ask(number, page)));
  }

  tell(to: number, message: object): void {
    const worker = this.#workers.get(to);
    if (worker?.isConnected() === true) worker.send(message);
  }

  tellOthers(from: number, message: object): void {
    for (const number of this.#workers.keys()) if (number !== from) this.tell(number, message);
  }

  async stop(graceMs: number): Promise<void> {
    for (const [number, worker] of this.#workers) {
      if (this.#listening.has(number)) this.tell(number, { kind: 'stop' });
      else worker.process.kill('SIGTERM'); // it has begun nothing
    }
    const impatience = setTimeout(() => {
      for (const worker of this.#workers.values()) worker.process.kill('SIGKILL');
    }, graceMs);
    await Promise.all(this.#lives);
    clearTimeout(impatience);
  }

  /** One worker after the other in the same place. */
  #keep(number: number): { readonly ready: Promise<void>; readonly life: Promise<void> } {
    let life = Promise.resolve();
    const ready = new Promise<void>((resolve, reject) => {
      life = this.#live(number, resolve, reject);
    });
    ready.catch(() => undefined); // whoever started us awaits all of them together
    return { ready, life };
  }

  async #live(number: number, onReady: () => void, onEarlyEnd: (reason: Error) => void): Promise<void> {
    const { log, clock, health, signal } = this.#options;
    const backoff = createBackoff({ baseMs: 100, maxMs: 10_000 });
    while (!signal.aborted) {
      const worker = cluster.fork();
      this.#workers.set(number, worker);
      worker.on('message', (message) => this.#receive(number, message, onReady));
      worker.on('error', (error) => log.debug('message to a worker lost', { error: error.message }));
      const [code, ended] = await once(worker, 'exit');
      this.#listening.delete(number);
      if (signal.aborted) return;
      const how = ended === null ? `exit code ${code}` : String(ended);
      onEarlyEnd(new Error(`worker ${number} ended with ${how} before it was ready`));
      health.set(`worker ${number}`, { state: 'failed', reason: `ended with ${how}` });
      log.error('worker ended', { pid: worker.process.pid ?? 0, reason: how });
      await clock.sleep(backoff.next(), signal).catch(() => undefined); // aborted: the loop's condition ends it
    }
  }

  #receive(from: number, given: unknown, onReady: () => void): void {
    const message = fromWorker.safeParse(given).data;
    switch (message?.kind) {
      case 'ready':
        this.#listening.add(from);
        onReady();
        break;
      case 'health':
        for (const [component, { state, reason }] of Object.entries(message.components)) {
          const status = reason === undefined ? { state } : { state, reason };
          this.#options.health.set(`worker ${from} ${component}`, status);
        }
        this.#options.health.set(`worker ${from}`, { state: 'ready' });
        break;
      case 'page':
        this.#questions.get(message.id)?.(message.text);
        break;
      case undefined:
        this.#options.onMessage(from, given);
    }
  }

  #ask(number: number, page: string): Promise<string> {
    if (this.#workers.get(number)?.isConnected() !== true) return Promise.resolve('');
    const id = ++this.#asked;
    return new Promise<string>((resolve) => {
      const late = setTimeout(() => resolve(''), answerMs);
      this.#questions.set(id, (text) => {
        clearTimeout(late);
        resolve(text);
      });
      this.tell(number, { kind: 'page', id, page });
    }).finally(() => this.#questions.delete(id));
  }
}

async function aborted(signal: AbortSignal): Promise<false> {
  if (!signal.aborted) await once(signal, 'abort');
  return false;
}
