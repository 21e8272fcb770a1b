// Entry `@gatehouse/wire/proxy-protocol`. Users: the listeners of `@gatehouse/daemon/net`, tests that play a load balancer.
export { decodeProxyHeader, encodeProxyHeader } from './codec.ts';
export type { ProxyDecoded, ProxyEndpoint, ProxyHeader, ProxyTlv } from './header.ts';
