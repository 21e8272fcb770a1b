// One installation per data folder: whoever starts notes its process there, so that a second start is told so, and not of
// whichever port it meets first.
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beginningOf, isRunning } from '@gatehouse/daemon/lifecycle';
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
    if (Number(pid) !== process.pid && (await isRunning(Number(pid), beginning))) {
      throw cliError(
        'ERR_CLI_ALREADY_RUNNING',
        `An installation runs from the data folder ${dataDir} already, as process ${pid}.`,
        'Look at it with "gatehouse status", end it with Ctrl-C where it was started, or name another folder with --data-dir.',
      );
    }
    await rm(path, { force: true }); // of one that was killed
  }
}
