// Entry `@gatehouse/core`. Users: the command.
export { coreConfig } from './config.ts';
export { runCoreDaemon } from './main.ts';
