// Which CPU a process may run on: servers on the first, whatever puts load on them on the second.
import { runTool } from '../../harness/index.ts';

/** All its threads, those that run already included. */
export function pin(pid: number, cpu: number) {
  return runTool('taskset', ['-a', '-cp', String(cpu), String(pid)]);
}
