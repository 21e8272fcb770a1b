// Entry `@gatehouse/wire/eap`.
export {};
