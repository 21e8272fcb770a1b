// The log of all processes of an installation, `gatehouse.log` in its data folder. Called by `gatehouse up`.
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { cliError } from '../errors.ts';

export interface Story extends AsyncDisposable {
  readonly path: string;
  /** Adds a line, behind those before; all are there when it is disposed of. A disk that is full ends nobody: what cannot be written is complained of once. */
  write(line: string): void;
}

/** @throws GatewayError `ERR_CLI_DATA_FOLDER` */
export async function openStory(dataDir: string, complain: (text: string) => void): Promise<Story> {
  const path = join(dataDir, 'gatehouse.log');
  const file = await openIn(dataDir, path);
  let isTold = false;
  const told = (error: Error) => {
    if (!isTold) complain(`${path} lacks lines from now on: ${error.message}\n`);
    isTold = true;
  };
  let written = Promise.resolve();
  return {
    path,
    write(line) {
      written = written.then(() => file.appendFile(`${line}\n`)).catch(told);
    },
    async [Symbol.asyncDispose]() {
      await written;
      await file.close();
    },
  };
}

async function openIn(dataDir: string, path: string): Promise<FileHandle> {
  try {
    await mkdir(dataDir, { recursive: true });
    return await open(path, 'a', 0o600);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw cliError(
      'ERR_CLI_DATA_FOLDER',
      `The log ${path} cannot be written: ${reason}.`,
      'Choose another data folder.',
      cause,
    );
  }
}
