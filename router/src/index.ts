// Entry `@gatehouse/router`. Users: packages/cli.
export { routerConfig } from './config.ts';
export { runRouterDaemon } from './main.ts';
