// Entry `@gatehouse/wire/radius`.
export {};
