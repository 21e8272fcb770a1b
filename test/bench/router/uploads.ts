// Memory of a process that stores a gigabyte in each backend, as a job of the core does with a report: resident memory
// before, and the most while it runs. The store behind S3 is a process of its own that forgets what it gets.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface UploadMemory {
  readonly idleMiB: number;
  readonly mostMiB: number;
  readonly addedMiB: number;
  readonly seconds: number;
}

export async function uploads(gigabytes: number): Promise<Record<string, UploadMemory | number>> {
  const results: Record<string, UploadMemory | number> = { gigabytes };
  for (const backend of ['file', 's3']) {
    const child = fork(join(import.meta.dirname, 'upload.ts'), [backend, String(gigabytes)], {
      execArgv: [...process.execArgv, '--expose-gc'],
    });
    const [measured]: [UploadMemory] = (await once(child, 'message')) as [UploadMemory]; // sent by upload.ts
    results[backend] = measured;
    child.disconnect();
    await once(child, 'exit');
  }
  return results;
}
