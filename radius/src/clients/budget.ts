// How many requests of one address may be in work at a time, so that one device cannot take everything. With several workers
// each tells the others when it comes a step further, so that the sum of all is bounded too. Called for every datagram.

export interface SourceBudget {
  /** The address has as many requests in work as one may. */
  isSpent(address: string): boolean;
  begin(address: string): void;
  end(address: string): void;
  /** What another worker has in work, rounded down to a whole step. */
  hear(worker: number, address: string, count: number): void;
  /** Another worker has begun anew. */
  forget(worker: number): void;
}

export interface BudgetOptions {
  /** Requests of one address in work at a time, in all workers together but for the steps that nobody was told of yet. */
  readonly most: number;
  /** Where there are other workers. */
  readonly tell?: (address: string, count: number) => void;
}

/** So many messages at most from none to the whole budget. */
const steps = 16;

/** Of one that is told: how far the sum of `workers` may be above what each knows. */
export function untoldAtMost(most: number, workers: number): number {
  return (workers - 1) * (stepOf(most) - 1);
}

export function createSourceBudget({ most, tell }: BudgetOptions): SourceBudget {
  const own = new Map<string, number>();
  const elsewhere = new Map<string, Map<number, number>>();
  const step = stepOf(most);
  const change = (address: string, by: 1 | -1) => {
    const before = own.get(address) ?? 0;
    const now = before + by;
    if (now <= 0) own.delete(address);
    else own.set(address, now);
    const told = Math.floor(now / step);
    if (tell !== undefined && told !== Math.floor(before / step)) tell(address, told * step);
  };
  const ofOthers = (address: string) => {
    let sum = 0;
    for (const count of elsewhere.get(address)?.values() ?? []) sum += count;
    return sum;
  };
  return {
    isSpent(address) {
      const count = own.get(address) ?? 0;
      return (elsewhere.size === 0 ? count : count + ofOthers(address)) >= most;
    },
    begin: (address) => change(address, 1),
    end: (address) => change(address, -1),
    hear(worker, address, count) {
      const known = elsewhere.get(address) ?? new Map<number, number>();
      if (count > 0) elsewhere.set(address, known.set(worker, count));
      else if (known.delete(worker) && known.size === 0) elsewhere.delete(address);
    },
    forget(worker) {
      for (const [address, known] of elsewhere) if (known.delete(worker) && known.size === 0) elsewhere.delete(address);
    },
  };
}

function stepOf(most: number): number {
  return Math.max(1, Math.floor(most / steps));
}
