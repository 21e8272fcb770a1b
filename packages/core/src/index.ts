// Entry `@gatehouse/core`. Users: the command.
export { coreCommands } from './commands/run.ts';
export { coreConfig } from './config.ts';
export { runCoreDaemon } from './main.ts';
