// Entry `@gatehouse/wire/testing`.
export {};
