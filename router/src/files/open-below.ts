// Opens a plain file below a folder so that no link and no hidden name leads anywhere else (files.md §15.2 "Traversal
// hardening"). The name is opened first and looked at afterwards: where the handle really is cannot change any more.
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';

export interface OpenedFile {
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
}

// Not blocking: a pipe without a writer would otherwise never open.
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** @param folder may itself be reached by links. @returns `undefined` for whatever is not a plain file, or not there */
export async function openBelow(folder: string, name: string): Promise<OpenedFile | undefined> {
  if (name.split('/').some((segment) => segment === '' || segment.startsWith('.'))) return undefined;
  let handle: FileHandle | undefined;
  try {
    const wanted = join(await realpath(folder), name);
    handle = await open(wanted, flags);
    const stats = await handle.stat({ bigint: true });
    if (stats.isFile() && (await locationOf(handle, wanted)) === wanted) return { handle, stats };
  } catch {
    // missing, unreadable, a name the system refuses: the answer hides which
  }
  await handle?.close();
  return undefined;
}

/** Where an open file is, by the system where it can say, else by its name. */
function locationOf({ fd }: FileHandle, name: string): Promise<string> {
  return readlink(`/proc/self/fd/${fd}`).catch(() => realpath(name));
}
