// Entry `@gatehouse/daemon/lifecycle`. Users: every daemon's main.ts.
export { exitCode, type ProcessContext, type ProcessOptions, reportFatal, runProcess } from './process.ts';
