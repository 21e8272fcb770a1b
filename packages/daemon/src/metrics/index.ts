// Entry `@gatehouse/daemon/metrics`.
export {};
