// Which process it was, beyond its number, which may be another's by now: for notes about who holds something. Used by
// `gatehouse up` for its data folder and by the core for its private database.
import { readFile } from 'node:fs/promises';

/** When a process began, in ticks since the machine did (proc(5)); empty where the system does not tell. */
export async function beginningOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** Whether the process that began then is still there; a number that was given to another since is no sign of life. */
export async function isRunning(pid: number, beginning: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false; // of another user
  }
  return (await beginningOf(pid)) === beginning;
}
