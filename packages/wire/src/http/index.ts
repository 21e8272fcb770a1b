// Entry `@gatehouse/wire/http`.
export {};
