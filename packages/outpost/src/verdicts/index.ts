// Entry `@gatehouse/outpost/verdicts`.
export {};
