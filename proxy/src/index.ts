// Entry `@gatehouse/proxy`. Users: packages/cli, test.
export { proxyCommands } from './commands/run.ts';
export { proxyConfig } from './config.ts';
export { runProxyDaemon } from './main.ts';
