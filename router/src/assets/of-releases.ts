// The assets that this installation serves: those of its release, of the ones before, and what others packaged. Called by
// start.ts.
import type { Logger } from '@gatehouse/daemon/log';
import { browserFolder } from '@gatehouse/web/manifest';
import type { RouterConfig } from '../config.ts';
import { keepRelease } from './releases.ts';
import { type AssetTable, loadAssets } from './table.ts';

export interface ReleaseOptions {
  readonly config: RouterConfig;
  readonly version: string;
  readonly log: Logger;
}

/** Assets of this release, then of the ones before (router.md §20.1 "Version skew"); loading goes on beside the listeners. */
export async function loadReleases({ config, version, log }: ReleaseOptions): Promise<AssetTable> {
  const { assets_dist, assets_authentik, assets_previous, assets_keep } = config.web;
  const own = assets_dist || browserFolder;
  try {
    const kept = assets_keep === '' ? [] : await keepRelease(own, assets_keep, version);
    const folders = [
      { folder: own, name: 'dist' },
      { folder: assets_authentik, name: 'authentik' },
      ...[...kept, ...assets_previous].map((folder) => ({ folder, name: 'dist' })),
    ];
    const table = await loadAssets(folders, { version });
    log.info('assets loaded', { count: table.size });
    return table;
  } catch (error) {
    log.error('assets cannot be read', { error: error instanceof Error ? error.message : String(error) });
    return new Map();
  }
}
