// The vendor's client types as they are on the wire: snake_case keys, dates as text (core-contract §2). Types only; the
// compiler tells when a shape drifts.

type SnakeCase<S extends string> = S extends `${infer Head}${infer Rest}`
  ? `${SnakeLetter<Head>}${SnakeCase<Rest>}`
  : '';
type SnakeLetter<C extends string> = C extends Lowercase<C> ? C : `_${Lowercase<C>}`;

/** The wire form of a type of `@goauthentik/api`. Free-form objects (index signatures) stay as they are. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? string extends keyof T
        ? T
        : { [K in keyof T as K extends string ? SnakeCase<K> : never]: Wire<T[K]> }
      : T;
