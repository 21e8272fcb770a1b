// Entry `@gatehouse/wire/testing`. Users: tests of every codec.
export { firstFlight } from './first-flight.ts';
export { type Codec, type Vector, vectorSuite } from './vector-suite.ts';
