// Entry `@gatehouse/wire/proxy-protocol`.
export {};
