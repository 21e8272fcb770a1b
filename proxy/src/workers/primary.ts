// The first process of a proxy with several workers (proxy.md §17.28): starts them, starts again what dies, passes on what one
// tells the others, and answers for all of them on the metrics listener. Requests never come here: node:cluster hands each
// connection to a worker in turn.
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { type Clock, createBackoff } from '@gatehouse/daemon/async';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import { aggregateMetrics } from '@gatehouse/daemon/metrics';
import { fromWorker } from './messages.ts';

export interface PrimaryOptions {
  readonly count: number;
  readonly log: Logger;
  readonly clock: Clock;
  readonly health: Health;
  readonly signal: AbortSignal;
}

export interface Workers {
  /** Resolves when each of the first workers listens. @throws Error when one ends before */
  readonly ready: Promise<void>;
  /** Prometheus text of all of them together. */
  metrics(): Promise<string>;
  /** Lets each finish what it has begun; ends what takes longer. */
  stop(graceMs: number): Promise<void>;
}

const metricsMs = 2_000;

export function startWorkers(options: PrimaryOptions): Workers {
  return new WorkerSet(options);
}

class WorkerSet implements Workers {
  readonly ready: Promise<void>;
  readonly #options: PrimaryOptions;
  readonly #lives: Promise<void>[];
  readonly #questions = new Map<number, (text: string) => void>();
  #asked = 0;

  constructor(options: PrimaryOptions) {
    this.#options = options;
    const slots = Array.from({ length: options.count }, (_, slot) => this.#keep(slot));
    this.ready = Promise.all(slots.map(({ ready }) => ready)).then(() => undefined);
    this.#lives = slots.map(({ life }) => life);
  }

  async metrics(): Promise<string> {
    const workers = all();
    const answers = workers.map((worker) => this.#ask(worker));
    return aggregateMetrics(await Promise.all(answers));
  }

  async stop(graceMs: number): Promise<void> {
    for (const worker of all()) worker.send({ kind: 'stop' });
    const impatience = setTimeout(() => {
      for (const worker of all()) worker.process.kill('SIGKILL');
    }, graceMs);
    await Promise.all(this.#lives);
    clearTimeout(impatience);
  }

  /** One worker after the other in the same place. */
  #keep(slot: number): { readonly ready: Promise<void>; readonly life: Promise<void> } {
    let life = Promise.resolve();
    const ready = new Promise<void>((resolve, reject) => {
      life = this.#live(slot, resolve, reject);
    });
    ready.catch(() => undefined); // whoever started us awaits all of them together
    return { ready, life };
  }

  async #live(slot: number, onReady: () => void, onEarlyEnd: (reason: Error) => void): Promise<void> {
    const { log, clock, health, signal } = this.#options;
    const backoff = createBackoff({ baseMs: 100, maxMs: 10_000 });
    while (!signal.aborted) {
      const worker = cluster.fork();
      worker.on('message', (message) => this.#receive(worker, slot, message, onReady));
      worker.on('error', (error) => log.debug('message to a worker lost', { error: error.message }));
      const [code, ended] = await once(worker, 'exit');
      if (signal.aborted) return;
      const how = ended === null ? `exit code ${code}` : String(ended);
      onEarlyEnd(new Error(`worker ${slot} ended with ${how} before it was ready`));
      health.set(`worker ${slot}`, { state: 'failed', reason: `ended with ${how}` });
      log.error('worker ended', { pid: worker.process.pid ?? 0, reason: how });
      await clock.sleep(backoff.next(), signal).catch(() => undefined); // aborted: the loop's condition ends it
    }
  }

  #receive(from: Worker, slot: number, given: unknown, onReady: () => void): void {
    const message = fromWorker.safeParse(given).data;
    switch (message?.kind) {
      case 'ended':
        for (const worker of all()) if (worker.id !== from.id) worker.send(message);
        break;
      case 'ready':
        onReady();
        break;
      case 'health':
        for (const [component, { state, reason }] of Object.entries(message.components)) {
          const status = reason === undefined ? { state } : { state, reason };
          this.#options.health.set(`worker ${slot} ${component}`, status);
        }
        this.#options.health.set(`worker ${slot}`, { state: 'ready' });
        break;
      case 'metrics':
        this.#questions.get(message.id)?.(message.text);
        break;
    }
  }

  /** What a worker does not say in time is left out. */
  #ask(worker: Worker): Promise<string> {
    const id = ++this.#asked;
    return new Promise<string>((resolve) => {
      const late = setTimeout(() => resolve(''), metricsMs);
      this.#questions.set(id, (text) => {
        clearTimeout(late);
        resolve(text);
      });
      worker.send({ kind: 'metrics', id });
    }).finally(() => this.#questions.delete(id));
  }
}

function all(): Worker[] {
  return Object.values(cluster.workers ?? {})
    .filter((worker) => worker !== undefined)
    .filter((worker) => worker.isConnected());
}
