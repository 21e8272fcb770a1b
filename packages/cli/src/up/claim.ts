// One installation per data folder: whoever starts notes its process there, so that a second start is told so, and not of
// whichever port it meets first.
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cliError } from '../errors.ts';

/** Held until it is disposed of. @throws GatewayError `ERR_CLI_ALREADY_RUNNING` naming the process */
export async function claimFolder(dataDir: string): Promise<AsyncDisposable> {
  const path = join(dataDir, 'up.pid');
  for (;;) {
    const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined;
      throw error;
    });
    if (file !== undefined) {
      await file.writeFile(`${process.pid} ${await beginningOf(process.pid)}\n`);
      await file.close();
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    }
    const [pid = '', beginning = ''] = (await readFile(path, 'utf8').catch(() => '')).trim().split(' ');
    if (await isRunning(Number(pid), beginning)) {
      throw cliError(
        'ERR_CLI_ALREADY_RUNNING',
        `An installation runs from the data folder ${dataDir} already, as process ${pid}.`,
        'Look at it with "gatehouse status", end it with Ctrl-C where it was started, or name another folder with --data-dir.',
      );
    }
    await rm(path, { force: true }); // of one that was killed
  }
}

/** A number that was given to another process since is no sign of life. */
async function isRunning(pid: number, beginning: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (
      error instanceof Error && 'code' in error && error.code === 'EPERM' && (await beginningOf(pid)) === beginning
    );
  }
  return (await beginningOf(pid)) === beginning;
}

/** When a process began, in ticks since the machine did (proc(5)); empty where the system does not tell. */
async function beginningOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
