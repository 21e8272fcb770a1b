// The stored files of each usage that lies in a folder of this machine; those in S3 are fetched there. Called by start.ts.
import { join } from 'node:path';
import type { Clock } from '@gatehouse/daemon/async';
import {
  backendOf,
  createUrlSigner,
  folderOf,
  signingKey,
  type Usage,
  urlLifeOf,
  type usages,
} from '@gatehouse/storage';
import type { RouterConfig } from '../config.ts';
import { createFileSender } from './pieces.ts';
import { openStoredFiles, type StoredFiles } from './serve.ts';

export interface UsageOptions {
  readonly config: RouterConfig;
  readonly version: string;
  readonly clock: Clock;
}

export function storedFilesOf({ config, version, clock }: UsageOptions): ReadonlyMap<Usage, StoredFiles> {
  const { storage, secret_key } = config;
  const served = new Map<Usage, StoredFiles>();
  const send = createFileSender();
  if (secret_key === undefined) return served;
  for (const usage of ['media', 'reports'] as const satisfies readonly (keyof typeof usages)[]) {
    if (backendOf(storage, usage) !== 'file') continue;
    const signer = createUrlSigner(signingKey(secret_key.reveal(), usage), urlLifeOf(storage, usage));
    const folder = join(folderOf(storage, usage), usage);
    served.set(usage, openStoredFiles({ usage, signer, folder, version, send, now: () => clock.now() }));
  }
  return served;
}
