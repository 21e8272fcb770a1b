// Packaged images that can be chosen as icons and backgrounds (files.md §3.1): `/static/…` values in the order to list them.
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

const image = /\.(?:svg|png|jpe?g|webp|avif|gif|ico)$/i;

/** @param folders those behind `/static/authentik/` and `/static/dist/`; missing ones have no images */
export async function packagedImages(folders: {
  readonly authentik: string;
  readonly dist: string;
}): Promise<string[]> {
  const groups = await Promise.all([
    imagesBelow(folders.authentik, 'sources', '/static/authentik/'),
    imagesBelow(folders.authentik, 'connectors', '/static/authentik/'),
    imagesBelow(folders.dist, 'assets/icons', '/static/dist/'),
    imagesBelow(folders.dist, 'assets/images', '/static/dist/'),
  ]);
  return groups.flat();
}

async function imagesBelow(root: string, folder: string, prefix: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && image.test(entry.name) && !entry.name.startsWith('.'))
    .map((entry) => prefix + relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}
