// Entry `@gatehouse/daemon/health`.
export {};
