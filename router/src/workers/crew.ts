// The workers of a router (router.md §20.5): keeps as many as the settings say, replaces one that ends, and on a reload
// starts each successor before its predecessor stops accepting. The listening sockets belong to this process, which hands
// out connections; a worker that leaves finishes what it has.
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Clock, createBackoff } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';

export interface CrewOptions {
  readonly size: number;
  /** Settings of worker `number`, counted from 1; a number stays with its successor. */
  readonly env: (number: number, generation: number) => Readonly<Record<string, string>>;
  /** Takes the log lines of workers; `ready` and `listening` are not among them. */
  readonly onLine: (raw: string) => void;
  readonly onListening: (line: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Member {
  readonly worker: Worker;
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
}

const settledAfterMs = 60_000;

export class Crew {
  readonly #options: CrewOptions;
  readonly #members = new Map<number, Member>();
  readonly #announced = new Set<string>();
  #generation = 0;
  #ending = false;
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: CrewOptions) {
    this.#options = options;
    cluster.setupPrimary({ exec: fileURLToPath(new URL('./entry.js', import.meta.url)), args: [], silent: true });
  }

  /** Numbers of the workers that are there. */
  get numbers(): readonly number[] {
    return [...this.#members.keys()];
  }

  get generation(): number {
    return this.#generation;
  }

  /** Resolves when all are ready. @throws when one ends before */
  async start(): Promise<void> {
    const numbers = Array.from({ length: this.#options.size }, (_, at) => at + 1);
    await Promise.all(numbers.map((number) => this.#launch(number)));
  }

  /** Replaces every worker, one after the other; a successor that does not get ready leaves its predecessor in place. */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(async () => {
      this.#generation += 1;
      for (const [number, old] of Array.from(this.#members)) {
        try {
          await this.#launch(number);
          old.worker.process.kill('SIGTERM'); // worker.kill would cut its connections first
        } catch (error) {
          this.#options.log.error('worker not replaced', { error: String(error) });
        }
      }
    });
    return this.#reloading;
  }

  /** Asks every worker to finish what it has, and waits. */
  async stop(): Promise<void> {
    this.#ending = true;
    await this.#reloading;
    const members = [...this.#members.values()];
    for (const { worker } of members) worker.process.kill('SIGTERM');
    await Promise.all(members.map(({ ended }) => ended));
  }

  async #launch(number: number): Promise<void> {
    const member = this.#fork(number);
    await member.ready;
    this.#members.set(number, member);
    void this.#watch(number, member);
  }

  #fork(number: number): Member {
    const worker = cluster.fork(this.#options.env(number, this.#generation));
    const ended = once(worker, 'exit').then(() => undefined);
    const ready = new Promise<void>((resolve, reject) => {
      this.#read(worker, resolve);
      void ended.then(() => reject(new Error(`worker ${number} ended before it was ready`)));
    });
    ready.catch(() => undefined); // whoever launched it is told
    return { worker, ready, ended };
  }

  #read(worker: Worker, ready: () => void): void {
    for (const stream of [worker.process.stdout, worker.process.stderr]) {
      if (stream == null) continue;
      createInterface({ input: stream }).on('line', (raw) => {
        if (raw.includes('"event":"ready"')) return ready();
        if (!raw.includes('"event":"listening"')) return this.#options.onLine(raw);
        // All workers listen on the same sockets: told once.
        const address = /"addr":"([^"]+)"/.exec(raw)?.[1] ?? raw;
        if (!this.#announced.has(address)) this.#options.onListening(raw);
        this.#announced.add(address);
      });
    }
  }

  /** One that ends by itself gets a successor, at growing distances while they keep ending. */
  async #watch(number: number, member: Member): Promise<void> {
    const startedMs = this.#options.clock.monotonicMs();
    await member.ended;
    if (this.#members.get(number) !== member) return; // replaced by a reload
    this.#members.delete(number);
    const backoff = createBackoff({ baseMs: 500, maxMs: 30_000 });
    let quick = this.#options.clock.monotonicMs() - startedMs < settledAfterMs;
    while (!this.#ending) {
      this.#options.log.error('worker ended', { id: number });
      if (quick) await this.#options.clock.sleep(backoff.next());
      quick = true;
      if (this.#ending) return;
      const isBack = await this.#launch(number).then(
        () => true,
        () => false,
      );
      if (isBack) return;
    }
  }
}
