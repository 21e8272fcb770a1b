// What many requests ask of the database at once, asked by one statement: what comes while it is on its way goes with the next.
// Everybody waits for his own answer, so that a row is stored when it is said to be, and none is older than its question;
// what is saved is a statement, its round trip, a commit and a wait for the disk for each of them. Alone, nobody waits longer.

/** Of one statement that stores rows. */
const mostItems = 200;
/** Of one that reads by keys. */
const mostKeys = 10_000;

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * @param write stores all of them or none
 * @returns stores one; fails as `write` does for that one alone
 */
export function gathered<Deps extends object, Item>(
  write: (deps: Deps, items: readonly Item[]) => Promise<void>,
): (deps: Deps, item: Item) => Promise<void> {
  const ask = async (deps: Deps, items: readonly Item[]) => {
    await write(deps, items);
    return items.map(() => undefined);
  };
  return together(ask, mostItems);
}

/**
 * @param ask gives an answer for each of them, in their order
 * @returns asks for one; fails as `ask` does for that one alone
 */
export function together<Deps extends object, Item, Answer>(
  ask: (deps: Deps, items: readonly Item[]) => Promise<readonly Answer[]>,
  most = mostKeys,
): (deps: Deps, item: Item) => Promise<Answer> {
  const queues = new WeakMap<Deps, Waiting<Item, Answer>[]>();
  return (deps, item) =>
    new Promise((resolve, reject) => {
      const waiting = queues.get(deps);
      if (waiting !== undefined) return void waiting.push({ item, resolve, reject });
      const fresh = [{ item, resolve, reject }];
      queues.set(deps, fresh);
      // Requests that became ready together are answered before this runs.
      setImmediate(() => void drain(fresh).then(() => queues.delete(deps)));

      async function drain(queue: Waiting<Item, Answer>[]): Promise<void> {
        while (queue.length > 0) await askFor(ask, deps, queue.splice(0, most));
      }
    });
}

/** What is wrong with one fails that one only: where all cannot be asked together, each is tried by itself. */
async function askFor<Deps, Item, Answer>(
  ask: (deps: Deps, items: readonly Item[]) => Promise<readonly Answer[]>,
  deps: Deps,
  batch: readonly Waiting<Item, Answer>[],
): Promise<void> {
  try {
    const answers = await ask(
      deps,
      batch.map(({ item }) => item),
    );
    for (const [at, answer] of answers.entries()) batch[at]?.resolve(answer);
  } catch (error) {
    const [first, ...others] = batch;
    if (others.length === 0) return first?.reject(error);
    await Promise.all(batch.map((one) => askFor(ask, deps, [one])));
  }
}
