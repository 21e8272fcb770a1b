// Looks at the installation's folder, so that an edited file is applied within seconds (core.md §20.4).
import { watch } from 'node:fs';
import type { CoreDeps } from '../deps.ts';
import { enqueue } from '../tasks/queue.ts';
import { discoveryActor } from './tasks.ts';

const settleMs = 500;

/** @returns what ends it */
export function watchBlueprints({ database, log }: CoreDeps, folder: string): () => void {
  let timer: NodeJS.Timeout | undefined;
  const failed = (error: unknown) =>
    log.warn('changes of blueprints are seen hourly only', {
      path: folder,
      error: error instanceof Error ? error.message : String(error),
    });
  try {
    const watcher = watch(folder, { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(() => enqueue(database.kysely, { actor: discoveryActor }).catch(failed), settleMs);
    });
    watcher.on('error', failed);
    return () => {
      clearTimeout(timer);
      watcher.close();
    };
  } catch (error) {
    failed(error);
    return () => {};
  }
}
