// Entry `@gatehouse/radius`. Users: packages/cli, test.
export { radiusConfig } from './config.ts';
export { runRadiusDaemon } from './main.ts';
