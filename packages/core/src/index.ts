// Entry `@gatehouse/core`. Users: the command.
export { coreCommandNames, runCoreCommand } from './commands/run.ts';
export { coreConfig } from './config.ts';
export { runCoreDaemon } from './main.ts';
