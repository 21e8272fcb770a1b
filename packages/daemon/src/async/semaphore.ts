// At most so many at a time; the others wait in order and can leave the queue by their signal.

export interface Semaphore {
  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  readonly waiting: number;
}

export function createSemaphore(permits: number): Semaphore {
  let free = permits;
  const queue: (() => void)[] = [];

  const acquire = (signal: AbortSignal | undefined) =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      if (free > 0) {
        free -= 1;
        return resolve();
      }
      const leave = () => {
        queue.splice(queue.indexOf(enter), 1);
        reject(signal?.reason);
      };
      const enter = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      queue.push(enter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  const release = () => {
    const next = queue.shift();
    if (next === undefined) free += 1;
    else next();
  };

  return {
    async run(task, signal) {
      await acquire(signal);
      try {
        return await task();
      } finally {
        release();
      }
    },
    get waiting() {
      return queue.length;
    },
  };
}
