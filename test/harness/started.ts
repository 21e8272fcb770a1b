// What a test file has started, ended again in reverse: also when the next start in `beforeAll` throws, after which vitest calls
// `afterAll` as ever.

export interface Started extends AsyncDisposable {
  /** Ends it with the rest. @returns what is given */
  use<T extends AsyncDisposable>(one: T): T;
}

export function createStarted(): Started {
  const all: AsyncDisposable[] = [];
  return {
    use(one) {
      all.push(one);
      return one;
    },
    /** Ends everything, whatever fails on the way. @throws AggregateError */
    async [Symbol.asyncDispose]() {
      const errors: unknown[] = [];
      for (const one of all.splice(0).reverse()) {
        try {
          await one[Symbol.asyncDispose]();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw new AggregateError(errors, 'not everything could be ended');
    },
  };
}
