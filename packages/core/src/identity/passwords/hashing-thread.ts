// A thread that hashes and compares passwords, one after another (threads.ts starts it). It lowers its own priority: Linux
// counts by thread, and so what answers requests and PostgreSQL come first wherever they want the same processor.
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { makeHash, passwordMatches } from './encoded.ts';
import type { HashingAnswer, HashingQuestion } from './threads.ts';

/** Elsewhere it would be the priority of the whole process. */
if (process.platform === 'linux') setPriority(10);

parentPort?.on('message', (question: HashingQuestion) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of threads, not a window
  parentPort?.postMessage(answer(question));
});

function answer({ password, encoded }: HashingQuestion): HashingAnswer {
  try {
    return encoded === undefined ? { made: makeHash(password) } : { matches: passwordMatches(password, encoded) };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
