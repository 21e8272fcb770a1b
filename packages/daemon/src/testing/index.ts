// Entry `@gatehouse/daemon/testing`.
export {};
