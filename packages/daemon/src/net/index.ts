// Entry `@gatehouse/daemon/net`. Users: every daemon's server.ts, processes that start others.
export { type Cidr, type CidrSet, canonicalIp, createCidrSet, parseCidr } from './cidr.ts';
export { freePort } from './free-port.ts';
export { kernelDrops } from './kernel-drops.ts';
export { type Identified, identifyPeer, type Peer, type ProxiedOptions } from './proxied.ts';
export {
  bindError,
  type ConnectionCount,
  createConnectionCount,
  listenTcp,
  type TcpListener,
  type TcpOptions,
} from './tcp.ts';
export { listenUdp, type UdpListener, type UdpOptions } from './udp.ts';
