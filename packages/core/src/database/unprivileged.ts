// PostgreSQL refuses to run as root. As root its programs run as an unprivileged user; where that user cannot reach the
// folders (a checkout below a private folder), it gets the one capability to read its way there, by setpriv.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** Who the database runs as: `undefined` when this process is not root. */
export async function databaseIdentity(): Promise<Identity | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const name of ['postgres', 'nobody']) {
    const row = passwd
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':');
    if (row !== undefined) return { uid: Number(row[2]), gid: Number(row[3]) };
  }
  return { uid: 65_534, gid: 65_534 };
}

/** Starts a program as that user. */
export async function spawnAs(
  identity: Identity | undefined,
  program: string,
  args: readonly string[],
  reached: readonly string[],
  options: SpawnOptions,
): Promise<ChildProcess> {
  if (identity === undefined) return spawn(program, args, options);
  const open = await Promise.all([program, ...reached].map((path) => isReachable(path, identity)));
  if (open.every(Boolean)) return spawn(program, args, { ...options, uid: identity.uid, gid: identity.gid });
  const drop = [
    `--reuid=${identity.uid}`,
    `--regid=${identity.gid}`,
    '--clear-groups',
    '--inh-caps=+dac_read_search',
    '--ambient-caps=+dac_read_search',
  ];
  return spawn('setpriv', [...drop, program, ...args], options);
}

/** Whether every folder above `path` lets that user pass. */
async function isReachable(path: string, { uid, gid }: Identity): Promise<boolean> {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const { mode, uid: owner, gid: group } = await stat(folder);
    const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
