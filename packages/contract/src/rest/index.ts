// Entry `@gatehouse/contract/rest`.
export {};
