// Entry `@gatehouse/daemon/async`. Users: every daemon and the layers below them.
export { type Backoff, type BackoffOptions, createBackoff } from './backoff.ts';
export { type Clock, type EpochMs, systemClock } from './clock.ts';
export { createSemaphore, type Semaphore } from './semaphore.ts';
export { createSingleFlight, type SingleFlight } from './single-flight.ts';
export { type SuperviseOptions, supervise } from './supervise.ts';
export { nextTurn, othersWait, stretches } from './turns.ts';
export { within } from './within.ts';
