// Entry of the harness: starts the daemons that were built, for conformance, interop, soak and benchmarks alike (STYLE 50).
export { freePort, isListening } from '@gatehouse/daemon/testing';
export { commandFile, type RunningDaemon, type StartOptions, startDaemon, unbundledFile } from './daemon.ts';
export { type Fault, type Gate, startGate } from './gate.ts';
export { runTool, type ToolResult } from './run-tool.ts';
export { type Slapd, slapdFile, startSlapd } from './slapd.ts';
export { createStarted, type Started } from './started.ts';
export { skipWithout, skipWithoutPython } from './tools.ts';
export { until } from './until.ts';
