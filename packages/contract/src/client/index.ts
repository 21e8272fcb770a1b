// Entry `@gatehouse/contract/client`.
export {};
