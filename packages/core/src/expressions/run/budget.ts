// What an evaluation may use (core.md §16.2): steps, memory, time on the processor, depth. Exceeding any ends it for good.
import { BudgetFault } from '../faults.ts';

export interface Limits {
  readonly steps: number;
  /** Signs and items made in all, also those let go of again. */
  readonly cells: number;
  readonly frames: number;
  /** Own time, without waits. */
  readonly ownMs: number;
}

export const standardLimits: Limits = { steps: 100_000, cells: 1_048_576, frames: 64, ownMs: 250 };

const stepsPerTurn = 4096;

export class Budget {
  readonly limits: Limits;
  readonly #monotonicMs: () => number;
  #steps = 0;
  #cells = 0;
  #ownMs = 0;
  #resumedMs: number;

  constructor(limits: Limits, monotonicMs: () => number) {
    this.limits = limits;
    this.#monotonicMs = monotonicMs;
    this.#resumedMs = monotonicMs();
  }

  /** Counts a step. @returns whether others should have a turn now */
  step(): boolean {
    this.#steps += 1;
    if (this.#steps > this.limits.steps)
      throw new BudgetFault(`The expression took more than ${this.limits.steps} steps.`);
    return this.#steps % stepsPerTurn === 0;
  }

  /** Counts looking at so many signs or items. */
  work(size: number): void {
    this.#steps += size >> 6;
    this.step();
  }

  /** Counts signs or items before they are made. */
  take(cells: number): void {
    this.#cells += cells;
    if (!(this.#cells <= this.limits.cells))
      throw new BudgetFault(`The expression made more than ${this.limits.cells} signs and items.`);
  }

  checkDepth(frames: number): void {
    if (frames > this.limits.frames)
      throw new BudgetFault(`The expression calls functions more than ${this.limits.frames} deep.`);
  }

  /** Waiting begins: the clock stands. */
  pause(): void {
    this.#ownMs += this.#monotonicMs() - this.#resumedMs;
    if (this.#ownMs > this.limits.ownMs)
      throw new BudgetFault(`The expression ran for more than ${this.limits.ownMs} ms.`);
  }

  resume(): void {
    this.#resumedMs = this.#monotonicMs();
  }

  get used(): { readonly steps: number; readonly cells: number } {
    return { steps: this.#steps, cells: this.#cells };
  }
}
