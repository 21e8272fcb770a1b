// Entry `@gatehouse/contract/control-channel`.
export {};
