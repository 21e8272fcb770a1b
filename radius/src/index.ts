// Entry `@gatehouse/radius`. Users: packages/cli, test.
export { radiusCommands } from './commands/run.ts';
export { radiusConfig } from './config.ts';
export { runRadiusDaemon } from './main.ts';
