// Entry `@gatehouse/wire/ber`.
export {};
