// Assets of earlier releases (router.md §20.1 "Version skew"): a tab that was open during an upgrade asks for files of the
// release it came from. The files that never change are kept in a folder of their own, for this release and the two before.

import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { isImmutable } from './immutable.ts';
import { filesBelow } from './prepared.ts';

const keptBefore = 2;

/**
 * Puts the unchanging files of `folder` into `keep`, drops releases older than the two before.
 * @returns folders of the releases before, newest first
 */
export async function keepRelease(folder: string, keep: string, version: string): Promise<string[]> {
  const unchanging = (await filesBelow(folder)).filter((path) => isImmutable(path, version));
  const names = unchanging.map((path) => relative(folder, path).split(sep).join('/'));
  const release = createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 16);
  await mkdir(keep, { recursive: true });
  if (names.length > 0) await store(folder, names, join(keep, release));
  const others = (await releasesIn(keep)).filter((name) => name !== release);
  for (const old of others.slice(keptBefore)) await rm(join(keep, old), { recursive: true, force: true });
  return others.slice(0, keptBefore).map((name) => join(keep, name));
}

/** Copies into a hidden folder first: a release is there whole or not at all, whoever starts at the same time. */
async function store(folder: string, names: readonly string[], target: string): Promise<void> {
  const now = new Date();
  const isThere = await stat(target).catch(() => undefined);
  if (isThere !== undefined) return utimes(target, now, now); // the newest again, after a step back
  const hidden = join(dirname(target), `.${process.pid}-${target.slice(-16)}`);
  for (const name of names) {
    await mkdir(dirname(join(hidden, name)), { recursive: true });
    await copyFile(join(folder, name), join(hidden, name));
  }
  await rename(hidden, target).catch(() => rm(hidden, { recursive: true, force: true })); // somebody was faster
}

/** By age, newest first. */
async function releasesIn(keep: string): Promise<string[]> {
  const names = (await readdir(keep)).filter((name) => /^[0-9a-f]{16}$/.test(name));
  const aged = await Promise.all(names.map(async (name) => ({ name, ageMs: (await stat(join(keep, name))).mtimeMs })));
  return aged.toSorted((one, other) => other.ageMs - one.ageMs).map(({ name }) => name);
}
