// Brief statements that a request asks for in one moment, sent together: each write wakes a process of the server on another
// processor, which takes longer than such a statement does. They share a transaction and a wait. What is wrong with one of
// them fails that one only: none of them has left anything then, and each is asked by itself.
import { PreparedQueries, type PreparedQuery } from './prepared.ts';

/** Sends to a connection of its own; resolves when it has been answered. */
export type Send = (query: PreparedQuery | PreparedQueries) => Promise<unknown>;

interface Waiting {
  /** Made anew for each try: a query holds what came of it. */
  readonly make: () => PreparedQuery;
  readonly resolve: (answered: PreparedQuery) => void;
  readonly reject: (error: unknown) => void;
}

/** @returns asks, together with whatever else is asked until the code that is running now has returned to its event loop */
export function inOneWrite(send: Send): (make: () => PreparedQuery) => Promise<PreparedQuery> {
  let waiting: Waiting[] = [];
  const alone = ({ make, resolve, reject }: Waiting) => {
    const query = make();
    send(query).then(() => resolve(query), reject);
  };
  const flush = () => {
    const asked = waiting;
    waiting = [];
    if (asked.length === 1) return asked.forEach(alone);
    const all = asked.map((one) => ({ one, query: one.make() }));
    send(new PreparedQueries(all.map(({ query }) => query))).then(
      () => all.forEach(({ one, query }) => void one.resolve(query)),
      (error: unknown) => asked.forEach(wasRefused(error) ? alone : ({ reject }) => void reject(error)),
    );
  };
  return (make) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ make, resolve, reject }) === 1) queueMicrotask(flush);
    });
}

/** The server said so and goes on: a transaction that fails leaves nothing. Where a connection was lost, nobody knows. */
function wasRefused(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity === 'ERROR';
}
