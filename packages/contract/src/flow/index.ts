// Entry `@gatehouse/contract/flow`.
export {};
