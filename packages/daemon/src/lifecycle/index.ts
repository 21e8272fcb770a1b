// Entry `@gatehouse/daemon/lifecycle`. Users: every daemon's main.ts, `gatehouse up`, the test harness, the core's database.
export { type Child, type ChildExit, type ChildLine, type ChildOptions, describeExit, startChild } from './child.ts';
export { beginningOf, isRunning } from './life-sign.ts';
export { exitCode, type ProcessContext, type ProcessOptions, reportFatal, runProcess } from './process.ts';
