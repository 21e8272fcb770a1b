// Entry `@gatehouse/outpost/testing`.
export {};
