// The key that lets the router speak to the core as itself (router.md §1): written anew before each start of the router,
// readable by its own user only, removed at a clean stop.
import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { Secret } from '@gatehouse/daemon/config';

export interface IpcKey extends AsyncDisposable {
  readonly key: Secret;
}

export async function writeIpcKey(path: string): Promise<IpcKey> {
  const key = randomBytes(64).toString('base64');
  await rm(path, { force: true }); // an older file may have other rights, which writing would keep
  await writeFile(path, key, { mode: 0o600, flag: 'wx' });
  return { key: new Secret(key), [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

/** For a worker: its first process has written the key, and removes it. */
export async function readIpcKey(path: string): Promise<IpcKey> {
  return { key: new Secret(await readFile(path, 'utf8')), [Symbol.asyncDispose]: async () => undefined };
}
