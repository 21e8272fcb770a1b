// What a supervised core runs: the core's own daemon, with the settings of the environment. Started by spawn-core.ts.
import { runCoreDaemon } from '@gatehouse/core';

process.exitCode = await runCoreDaemon([], process.env);
