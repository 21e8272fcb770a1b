// Rows that many requests store at once, written by one statement: what comes while one is being written goes with the next.
// Everybody waits until his own row is stored, so nothing is promised that is not kept; what is saved is a statement, a
// commit and a wait for the disk for each of them. Alone, a row is written at once.

/** Of one statement. */
const mostItems = 200;

interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * @param write stores all of them or none
 * @returns stores one; fails as `write` does for that one alone
 */
export function gathered<Deps extends object, Item>(
  write: (deps: Deps, items: readonly Item[]) => Promise<void>,
): (deps: Deps, item: Item) => Promise<void> {
  const queues = new WeakMap<Deps, Waiting<Item>[]>();
  return (deps, item) =>
    new Promise((resolve, reject) => {
      const waiting = queues.get(deps);
      if (waiting !== undefined) return void waiting.push({ item, resolve, reject });
      const fresh = [{ item, resolve, reject }];
      queues.set(deps, fresh);
      // Requests that became ready together are answered before this runs.
      setImmediate(() => void drain(fresh).then(() => queues.delete(deps)));

      async function drain(queue: Waiting<Item>[]): Promise<void> {
        while (queue.length > 0) await store(write, deps, queue.splice(0, mostItems));
      }
    });
}

/** One bad row fails its own request only: where all cannot be stored together, each is tried by itself. */
async function store<Deps, Item>(
  write: (deps: Deps, items: readonly Item[]) => Promise<void>,
  deps: Deps,
  batch: readonly Waiting<Item>[],
): Promise<void> {
  try {
    await write(
      deps,
      batch.map(({ item }) => item),
    );
    for (const { resolve } of batch) resolve();
  } catch (error) {
    const [first, ...others] = batch;
    if (others.length === 0) return first?.reject(error);
    await Promise.all(batch.map((one) => store(write, deps, [one])));
  }
}
