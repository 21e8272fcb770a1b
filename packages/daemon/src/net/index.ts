// Entry `@gatehouse/daemon/net`.
export {};
