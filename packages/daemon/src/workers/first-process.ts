// The first process of a daemon with several workers: starts them, starts again what dies, puts others in their place, passes
// on what one tells the others, and answers for all of them. Requests never come here: node:cluster shares the sockets.
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { type Clock, createBackoff } from '../async/index.ts';
import type { Health } from '../health/index.ts';
import type { Logger } from '../log/index.ts';
import { aggregateMetrics } from '../metrics/index.ts';
import { type FromWorker, fromWorker } from './messages.ts';

export interface WorkersOptions {
  readonly count: number;
  readonly log: Logger;
  readonly clock: Clock;
  /** Gets the state of each worker, and of each of its components. */
  readonly health: Health;
  readonly signal: AbortSignal;
  /** Variables of a worker beside our own. `generation`: how often all have been replaced. */
  readonly env?: (generation: number) => Readonly<Record<string, string>>;
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
  /**
   * Another process in the place of each, one after the other: it listens before its predecessor is told to finish what it has.
   * One that does not get so far leaves its predecessor in place.
   */
  replace(): Promise<void>;
  /** Lets each finish what it has begun; ends what takes longer. */
  stop(graceMs: number): Promise<void>;
}

const answerMs = 2_000;

/** Workers are counted from 0; one that dies is followed by another of the same number. */
export function startWorkers(options: WorkersOptions): Workers {
  cluster.setupPrimary({ serialization: 'advanced' }); // octets pass as octets
  return new WorkerSet(options);
}

/** One process. */
interface Life {
  readonly number: number;
  readonly worker: Worker;
  /** @throws Error when it ends before */
  readonly ready: Promise<void>;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
}

class WorkerSet implements Workers {
  readonly ready: Promise<boolean>;
  readonly #options: WorkersOptions;
  /** Those in place, by number. */
  readonly #places = new Map<number, Life>();
  /** All that have not ended, those that are leaving among them. */
  readonly #alive = new Set<Life>();
  /** That listen, and hear what they are told. */
  readonly #listening = new Set<Life>();
  readonly #questions = new Map<number, (text: string) => void>();
  #asked = 0;
  #generation = 0;
  #replacing: Promise<void> = Promise.resolve();

  constructor(options: WorkersOptions) {
    this.#options = options;
    const first = Array.from({ length: options.count }, (_, number) => this.#begin(number));
    for (const life of first) void this.#keep(life);
    const all = Promise.all(first.map(({ ready }) => ready)).then(() => true);
    this.ready = Promise.race([all, aborted(options.signal)]);
  }

  async metrics(): Promise<string> {
    return aggregateMetrics(await this.pages('metrics'));
  }

  pages(page: string): Promise<readonly string[]> {
    return Promise.all([...this.#places.keys()].map((number) => this.#ask(number, page)));
  }

  tell(to: number, message: object): void {
    const worker = this.#places.get(to)?.worker;
    if (worker?.isConnected() === true) worker.send(message);
  }

  tellOthers(from: number, message: object): void {
    for (const number of this.#places.keys()) if (number !== from) this.tell(number, message);
  }

  replace(): Promise<void> {
    this.#replacing = this.#replacing.then(async () => {
      this.#generation += 1;
      for (const number of this.#places.keys()) await this.#succeed(number);
    });
    return this.#replacing;
  }

  async stop(graceMs: number): Promise<void> {
    const leaving = [...this.#alive];
    for (const life of leaving) this.#finish(life);
    const impatience = setTimeout(() => {
      for (const { worker } of leaving) worker.process.kill('SIGKILL');
    }, graceMs);
    await Promise.all(leaving.map(({ ended }) => ended));
    clearTimeout(impatience);
  }

  #begin(number: number): Life {
    const { env, log } = this.#options;
    const worker = cluster.fork(env?.(this.#generation));
    const ended = once(worker, 'exit').then(([code, signal]) =>
      signal === null ? `exit code ${code}` : String(signal),
    );
    let isReady = (): void => undefined;
    const ready = new Promise<void>((resolve, reject) => {
      isReady = () => {
        this.#listening.add(life);
        resolve();
      };
      void ended.then((how) => reject(new Error(`worker ${number} ended with ${how} before it was ready`)));
    });
    ready.catch(() => undefined); // whoever began it awaits it
    const life: Life = { number, worker, ready, ended };
    this.#alive.add(life);
    worker.on('message', (message) => this.#receive(life, message, isReady));
    worker.on('error', (error) => log.debug('message to a worker lost', { error: error.message }));
    void ended.then(() => {
      this.#alive.delete(life);
      this.#listening.delete(life);
    });
    return life;
  }

  /** Puts it in its place, and another after it when it dies there. */
  async #keep(first: Life): Promise<void> {
    const { log, clock, health, signal } = this.#options;
    const { number } = first;
    const backoff = createBackoff({ baseMs: 100, maxMs: 10_000 });
    for (let life = first; ; life = this.#begin(number)) {
      this.#places.set(number, life);
      const how = await life.ended;
      if (signal.aborted || this.#places.get(number) !== life) return; // the end, or another is in its place
      health.set(`worker ${number}`, { state: 'failed', reason: `ended with ${how}` });
      log.error('worker ended', { pid: life.worker.process.pid ?? 0, reason: how });
      await clock.sleep(backoff.next(), signal).catch(() => undefined); // aborted: seen below
      if (signal.aborted || this.#places.get(number) !== life) return;
    }
  }

  async #succeed(number: number): Promise<void> {
    if (this.#options.signal.aborted) return;
    const successor = this.#begin(number);
    try {
      await successor.ready;
    } catch (error) {
      this.#options.log.error('worker not replaced', { error: String(error) });
      return;
    }
    const predecessor = this.#places.get(number);
    void this.#keep(successor);
    if (predecessor !== undefined && this.#alive.has(predecessor)) this.#finish(predecessor);
  }

  #finish(life: Life): void {
    if (!this.#listening.has(life))
      life.worker.process.kill('SIGTERM'); // it has begun nothing
    else if (life.worker.isConnected()) life.worker.send({ kind: 'stop' });
  }

  #receive(life: Life, given: unknown, onReady: () => void): void {
    const { number } = life;
    const message = fromWorker.safeParse(given).data;
    switch (message?.kind) {
      case 'ready':
        onReady();
        break;
      case 'health':
        if (this.#places.get(number) === life) this.#noteHealth(number, message.components);
        break;
      case 'page':
        this.#questions.get(message.id)?.(message.text);
        break;
      case undefined:
        this.#options.onMessage(number, given);
    }
  }

  #noteHealth(number: number, components: HealthMessage['components']): void {
    const { health } = this.#options;
    for (const [component, { state, reason }] of Object.entries(components))
      health.set(`worker ${number} ${component}`, reason === undefined ? { state } : { state, reason });
    health.set(`worker ${number}`, { state: 'ready' });
  }

  #ask(number: number, page: string): Promise<string> {
    if (this.#places.get(number)?.worker.isConnected() !== true) return Promise.resolve('');
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

type HealthMessage = Extract<FromWorker, { kind: 'health' }>;

async function aborted(signal: AbortSignal): Promise<false> {
  if (!signal.aborted) await once(signal, 'abort');
  return false;
}
