// The first process of a RADIUS outpost with several workers: starts them, starts again what dies, passes on what one hands
// to another, and answers for all of them on the metrics listener. Datagrams never come here: the workers share the sockets
// (node:cluster), and the kernel gives each datagram to whichever reads first.

import cluster, { type Worker } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Clock, createBackoff } from '@gatehouse/daemon/async';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import { aggregateMetrics } from '@gatehouse/daemon/metrics';
import { fromWorker, type Page, type ToWorker } from './messages.ts';

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
  /** A page of each, one below the other. */
  page(page: Page): Promise<string>;
  /** Lets each finish what it has begun; ends what takes longer. */
  stop(graceMs: number): Promise<void>;
}

const answerMs = 2_000;

export function startWorkers(options: PrimaryOptions): Workers {
  cluster.setupPrimary({ serialization: 'advanced' }); // datagrams pass as bytes
  return new WorkerSet(options);
}

class WorkerSet implements Workers {
  readonly ready: Promise<void>;
  readonly #options: PrimaryOptions;
  readonly #lives: Promise<void>[];
  readonly #workers = new Map<number, Worker>();
  readonly #questions = new Map<number, (text: string) => void>();
  readonly #verdictKey = randomBytes(32).toString('hex');
  #asked = 0;

  constructor(options: PrimaryOptions) {
    this.#options = options;
    const numbers = Array.from({ length: options.count }, (_, number) => this.#keep(number));
    this.ready = Promise.all(numbers.map(({ ready }) => ready)).then(() => undefined);
    this.#lives = numbers.map(({ life }) => life);
  }

  async metrics(): Promise<string> {
    return aggregateMetrics(await this.#askAll('metrics'));
  }

  async page(page: Page): Promise<string> {
    const texts = await this.#askAll(page);
    return texts.map((text, number) => `Worker ${number}:\n${text}`).join('\n');
  }

  async stop(graceMs: number): Promise<void> {
    for (const worker of this.#workers.values()) send(worker, { kind: 'stop' });
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
    if (message === undefined) return;
    switch (message.kind) {
      case 'hello': {
        const { count } = this.#options;
        send(this.#workers.get(from), { kind: 'start', number: from, count, verdictKey: this.#verdictKey });
        break;
      }
      case 'ready':
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
      case 'hand_on':
        send(this.#workers.get(message.to), message.datagram);
        break;
      default:
        for (const [number, worker] of this.#workers) if (number !== from) send(worker, message);
    }
  }

  #askAll(page: Page): Promise<string[]> {
    return Promise.all([...this.#workers.values()].map((worker) => this.#ask(worker, page)));
  }

  /** What a worker does not say in time is left out. */
  #ask(worker: Worker, page: Page): Promise<string> {
    const id = ++this.#asked;
    return new Promise<string>((resolve) => {
      const late = setTimeout(() => resolve(''), answerMs);
      this.#questions.set(id, (text) => {
        clearTimeout(late);
        resolve(text);
      });
      send(worker, { kind: 'page', id, page });
    }).finally(() => this.#questions.delete(id));
  }
}

/** To one that is gone nothing is said: its successor begins anew, and devices repeat what was not answered. */
function send(worker: Worker | undefined, message: ToWorker): void {
  if (worker?.isConnected() === true) worker.send(message);
}
