// One MaxMind database on disk (core.md §1.2): read when first asked, read again when the file changes, and nothing at all
// where there is none. A file that cannot be read leaves the last good one in use.
import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import { Reader } from 'mmdb-lib';

export interface Mmdb {
  /** `undefined`: no database; `null`: it does not know the address. */
  lookup(address: string): Promise<{ readonly record: unknown; readonly prefixLength: number } | null | undefined>;
  isPresent(): Promise<boolean>;
}

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** How old the last look at the file may be. */
const looksEveryMs = 2_000;

/** @param path of the file; empty for none */
export function createMmdb(path: string, { clock, log }: Deps): Mmdb {
  let reader: Reader<never> | undefined;
  let version = '';
  let lookedMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> = Promise.resolve();
  const look = async () => {
    const found = await stat(path).catch(() => undefined);
    const now = found === undefined ? '' : `${found.mtimeMs}:${found.size}:${found.ino}`;
    if (now === version) return;
    version = now;
    if (found === undefined) {
      reader = undefined;
      return;
    }
    try {
      reader = new Reader<never>(await readFile(path));
      log.info('location database read', { path });
    } catch (error) {
      log.warn('location database unreadable', { path, error: error instanceof Error ? error.message : String(error) });
    }
  };
  const current = async () => {
    if (path !== '' && clock.monotonicMs() - lookedMs > looksEveryMs) {
      lookedMs = clock.monotonicMs();
      looking = look();
    }
    await looking;
    return reader;
  };
  return {
    async lookup(address) {
      const open = await current();
      if (open === undefined) return undefined;
      const [record, prefixLength] = open.getWithPrefixLength(address);
      return record === null ? null : { record, prefixLength };
    },
    isPresent: async () => (await current()) !== undefined,
  };
}
