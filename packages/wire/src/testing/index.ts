// Entry `@gatehouse/wire/testing`. Users: tests of every codec.
export { type Codec, type Vector, vectorSuite } from './vector-suite.ts';
