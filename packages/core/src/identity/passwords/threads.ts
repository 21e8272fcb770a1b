// The threads that hash passwords: as many as the machine has cores, but one, so that a flood of logins leaves room for
// everything else; each begins when there is work for it. What waits is limited: whoever comes when the queue is full is told
// to come again, instead of an answer that nobody waits for any more.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { busyHashing } from '../../api/failure.ts';

export interface HashingQuestion {
  readonly password: string;
  /** To compare with; `undefined` to make a hash. */
  readonly encoded?: string;
}

export interface HashingAnswer {
  readonly made?: string;
  readonly matches?: boolean;
  readonly failure?: string;
}

export interface HashingThreads {
  /** @throws ApiFailure 503 when too many wait already */
  ask(question: HashingQuestion): Promise<HashingAnswer>;
  /** How many wait for an answer. */
  readonly waiting: number;
  /** What is being asked fails. */
  close(): Promise<void>;
}

export interface HashingThreadsOptions {
  readonly most?: number;
  /** Of what waits for a thread, for each of them; a hash takes some 30 ms. */
  readonly mostWaiting?: number;
}

interface Waiting {
  readonly question: HashingQuestion;
  readonly resolve: (answer: HashingAnswer) => void;
  readonly reject: (error: Error) => void;
}

export function createHashingThreads({
  most = Math.max(1, availableParallelism() - 1),
  mostWaiting = 256,
}: HashingThreadsOptions = {}): HashingThreads {
  const queue: Waiting[] = [];
  const idle: Worker[] = [];
  const all = new Map<Worker, Waiting | undefined>();
  const next = () => {
    const worker = queue.length === 0 ? undefined : (idle.pop() ?? (all.size < most ? start() : undefined));
    const asked = worker === undefined ? undefined : queue.shift();
    if (worker === undefined || asked === undefined) return;
    all.set(worker, asked);
    worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of threads, not a window
    worker.postMessage(asked.question);
  };
  const start = (): Worker => {
    const worker = new Worker(threadFile, { name: 'passwords', resourceLimits });
    all.set(worker, undefined);
    worker.on('message', (answer: HashingAnswer) => {
      all.get(worker)?.resolve(answer);
      all.set(worker, undefined);
      worker.unref(); // an idle thread keeps no process alive
      idle.push(worker);
      next();
    });
    const lose = (error: Error) => {
      all.get(worker)?.reject(error);
      all.delete(worker);
      if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
      next();
    };
    worker.on('error', lose);
    worker.on('exit', () => lose(new Error('The thread that hashes passwords has ended.')));
    return worker;
  };
  return {
    get waiting() {
      return queue.length + all.size - idle.length;
    },
    ask(question) {
      if (queue.length >= mostWaiting * most) return Promise.reject(busyHashing());
      return new Promise((resolve, reject) => {
        queue.push({ question, resolve, reject });
        next();
      });
    },
    async close() {
      for (const { reject } of queue.splice(0)) reject(new Error('The core is stopping.'));
      await Promise.all([...all.keys()].map((worker) => worker.terminate()));
    },
  };
}

const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 };

/** Node runs what the compiler made of it, whichever of both we are. */
const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/identity/passwords/hashing-thread.js' : './hashing-thread.js',
  import.meta.url,
);
