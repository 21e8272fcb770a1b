// Callers of the same key share one run; nothing is remembered once it has ended.

export interface SingleFlight<K, V> {
  run(key: K, task: () => Promise<V>): Promise<V>;
  readonly size: number;
}

export function createSingleFlight<K, V>(): SingleFlight<K, V> {
  const running = new Map<K, Promise<V>>();
  return {
    run(key, task) {
      const shared = running.get(key);
      if (shared !== undefined) return shared;
      const own = task().finally(() => running.delete(key));
      running.set(key, own);
      return own;
    },
    get size() {
      return running.size;
    },
  };
}
