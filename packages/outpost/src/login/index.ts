// Entry `@gatehouse/outpost/login`.
export {};
