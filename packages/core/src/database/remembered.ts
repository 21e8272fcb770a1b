// Remembers what was read of the configuration (flows, stages, bindings, policies, mappings, providers, applications,
// certificates, brands, accounts of outposts) until any of it changes. Triggers notify every core process of each commit that touches these
// tables; then everything is forgotten, since administrators change little and seldom. What is remembered counts only while
// it is proven that notifications arrive: an answer on the connection that hears them, at most a second old. Without that
// proof the database is asked each time, as it would be without this file.
import type { Clock } from '@gatehouse/daemon/async';
import type { Database } from './connection.ts';

/** Proof is renewed beside the requests once it is this old. */
const renewAfterMs = 250;
/** Older proof is none: requests wait for a new one. Bounds how long a change can go unheard. */
const longestMs = 1_000;
/** Of one kind; keys may come from anybody. */
const mostKept = 2_000;

/** Stands for the configuration as it is between two changes. */
export interface Epoch {
  readonly number: number;
}

export interface Epochs {
  /** The present epoch; `undefined` while nothing may be remembered. */
  current(): Epoch | Promise<Epoch | undefined>;
  /** A change was committed by this process: its own next request must see it, without waiting to be notified. */
  changed(): void;
}

export async function createEpochs(
  database: Pick<Database, 'listen' | 'onGap' | 'caughtUp'>,
  clock: Pick<Clock, 'monotonicMs'>,
): Promise<Epochs> {
  let epoch: Epoch = { number: 0 };
  let provenMs = Number.NEGATIVE_INFINITY;
  let proving: Promise<Epoch | undefined> | undefined;
  const changed = () => {
    epoch = { number: epoch.number + 1 };
  };
  const prove = async (): Promise<Epoch | undefined> => {
    const askedMs = clock.monotonicMs();
    const heard = await database.caughtUp();
    proving = undefined;
    if (!heard) return undefined;
    provenMs = askedMs;
    return epoch;
  };
  await database.listen('configuration_changed', changed);
  database.onGap(() => {
    provenMs = Number.NEGATIVE_INFINITY;
    changed();
  });
  return {
    changed,
    current() {
      const ageMs = clock.monotonicMs() - provenMs;
      if (ageMs > renewAfterMs) proving ??= prove();
      return ageMs <= longestMs || proving === undefined ? epoch : proving;
    },
  };
}

/**
 * The same question, answered from memory where it may be. Answers are shared, and so are frozen; `undefined` is never kept,
 * so that a key that does not exist costs whoever asks for it.
 */
export function remembered<Deps extends { readonly epochs: Epochs }, Answer>(
  load: (deps: Deps, key: string) => Promise<Answer>,
): (deps: Deps, key: string) => Promise<Answer> {
  const kept = new WeakMap<Epoch, Map<string, Promise<Answer>>>();
  return async (deps, key) => {
    const now = deps.epochs.current();
    const epoch = now instanceof Promise ? await now : now;
    if (epoch === undefined) return load(deps, key);
    const answers = kept.get(epoch) ?? new Map<string, Promise<Answer>>();
    kept.set(epoch, answers);
    return answers.get(key) ?? keep(answers, key, load(deps, key));
  };
}

async function keep<Answer>(answers: Map<string, Promise<Answer>>, key: string, loading: Promise<Answer>) {
  const [oldest] = answers.keys();
  if (answers.size >= mostKept && oldest !== undefined) answers.delete(oldest);
  answers.set(key, loading);
  try {
    const answer = await loading;
    if (answer === undefined) answers.delete(key);
    else freeze(answer);
    return answer;
  } catch (error) {
    answers.delete(key);
    throw error;
  }
}

/** Objects of classes, such as dates and keys, are left as they are. */
function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
}
