// What a running installation says about itself in its data folder, so that another command finds its processes. Written by
// `gatehouse up` when everything runs and whenever a process was started again, removed at its end.
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { cliError } from '../errors.ts';

const address = z.object({ host: z.string(), port: z.number() });
const shape = z.object({
  pid: z.number(),
  startedAt: z.string(),
  /** The core's address without path. */
  core: z.string(),
  processes: z.array(z.object({ name: z.string(), pid: z.number(), metrics: address, restarts: z.number() })),
});

export type RunFile = z.infer<typeof shape>;

const pathOf = (dataDir: string) => join(dataDir, 'run.json');

/** A reader sees the old one or the new one. */
export async function writeRunFile(dataDir: string, run: RunFile): Promise<void> {
  const path = pathOf(dataDir);
  await writeFile(`${path}.new`, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export async function removeRunFile(dataDir: string): Promise<void> {
  await rm(pathOf(dataDir), { force: true });
}

/** @throws GatewayError `ERR_CLI_NOT_RUNNING` */
export async function readRunFile(dataDir: string): Promise<RunFile> {
  const text = await readFile(pathOf(dataDir), 'utf8').catch(() => '');
  const { data, success } = shape.safeParse(text === '' ? undefined : JSON.parse(text));
  if (success && isAlive(data.pid)) return data;
  throw cliError(
    'ERR_CLI_NOT_RUNNING',
    `No installation runs from the data folder ${dataDir}.`,
    'Start one with "gatehouse up", name its folder with --data-dir, or processes with --process name=address:port.',
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
