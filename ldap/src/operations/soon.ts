// What is known at once is not waited for: an answer from memory is out before the next request is looked at.

export type Soon<T> = T | Promise<T>;

/** Goes on with a value, at once if it is there. */
export function after<T, R>(value: Soon<T>, next: (value: T) => Soon<R>): Soon<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
