// Entry `@gatehouse/proxy/fast-lane`, user: router. Requests without a body over kept connections of our own.
export { type HeaderBlock, headerBlock } from './identity/header-block.ts';
export type { AnswerRules, Exchange, ExchangeFailure } from './upstream/exchange.ts';
export { createFastLane, type FastLane } from './upstream/fast-lane.ts';
export { FieldKinds } from './upstream/response-head.ts';
