// One refresh at a time, with at most one more after it (core-contract B5): however many triggers arrive, nothing queues up
// and the last state is always read.

export interface Refresher {
  /** Resolves when a refresh that began after this call has ended, well or not. */
  request(): Promise<void>;
}

export function createRefresher(refresh: () => Promise<void>): Refresher {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    running = refresh().finally(() => {
      running = undefined;
    });
    return running;
  };
  return {
    request() {
      if (running === undefined) return start();
      next ??= running
        .catch(() => undefined)
        .then(() => {
          next = undefined;
          return start();
        });
      return next;
    },
  };
}
