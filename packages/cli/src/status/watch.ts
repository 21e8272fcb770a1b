// Looks at an installation again and again; each look knows the one before, for the rates.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCoreApi } from '../up/core-api.ts';
import { collect, type Look, type Watched } from './collect.ts';
import { lastErrors } from './last-errors.ts';
import { memoryOf } from './memory.ts';

export interface WatchOptions {
  /** The processes as they are now. */
  readonly processes: () => Promise<readonly Watched[]>;
  /** Folder of log and token; absent for processes that were named one by one. */
  readonly dataDir: string | undefined;
  readonly core: string | undefined;
  /** ISO time; complaints before it are of another run. */
  readonly since?: string;
}

/** @returns takes a look; calls may overlap */
export function watchInstallation({ processes, dataDir, core, since = '' }: WatchOptions): () => Promise<Look> {
  let before: Look | undefined;
  return async () => {
    const errors = dataDir === undefined ? new Map() : await lastErrors(join(dataDir, 'gatehouse.log'), since);
    const aboutCore = async () => {
      if (dataDir === undefined || core === undefined) throw new Error('no core to ask');
      const token = (await readFile(join(dataDir, 'secrets', 'admin-token'), 'utf8')).trim();
      return createCoreApi(core, token).about();
    };
    const look = await collect(
      { processes: await processes(), errors, aboutCore, memory: memoryOf, nowMs: Date.now() },
      before,
    );
    before = look;
    return look;
  };
}
