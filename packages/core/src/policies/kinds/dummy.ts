// Dummy policy (core.md §6): answers as it was told, after a random wait. For trying things out.
import { randomInt } from 'node:crypto';
import { answer, type Evaluate } from '../kind.ts';

export const answerAsTold: Evaluate = async ({ result, wait_min, wait_max }, { deps, signal }) => {
  const [least, most] = [Number(wait_min ?? 5), Number(wait_max ?? 30)];
  await deps.clock.sleep(1000 * (most > least ? randomInt(least, most) : least), signal);
  return answer(result === true, 'dummy');
};
