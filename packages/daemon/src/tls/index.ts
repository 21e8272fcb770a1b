// Entry `@gatehouse/daemon/tls`.
export {};
