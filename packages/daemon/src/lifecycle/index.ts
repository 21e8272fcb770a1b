// Entry `@gatehouse/daemon/lifecycle`.
export {};
