// Entry `@gatehouse/proxy`. Users: packages/cli, router (embedded outpost), test.
export { proxyConfig } from './config.ts';
export { runProxyDaemon } from './main.ts';
