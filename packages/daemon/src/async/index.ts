// Entry `@gatehouse/daemon/async`. Users: every daemon and the layers below them.
export { type Clock, type EpochMs, systemClock } from './clock.ts';
