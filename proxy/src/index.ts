// Entry `@gatehouse/proxy`. Users: packages/cli, test.
export { proxyConfig } from './config.ts';
export { runProxyDaemon } from './main.ts';
