// Entry `@gatehouse/router`. Users: packages/cli.
export { routerConfig } from './config.ts';
export { routerHealthcheck, runRouterDaemon } from './main.ts';
