// Entry `@gatehouse/web/manifest`: where the built browser files are and what they are called. Users: the core (which
// files a page loads), the router (which folder it serves).
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Folder behind `/static/dist/`. */
export const browserFolder = fileURLToPath(new URL('../../dist/browser/', import.meta.url));
/** Outside the folder that is served. */
export const manifestFile = fileURLToPath(new URL('../../dist/browser.json', import.meta.url));

export const pageNames = ['flow', 'user', 'admin'] as const;
export type PageName = (typeof pageNames)[number];

/** Names below {@link browserFolder}; all but copied images carry a hash of their content. */
export interface PageFiles {
  readonly script: string;
  readonly styles: readonly string[];
  /** Scripts that it shares with other pages, to be fetched at once. */
  readonly shared: readonly string[];
}

export interface Manifest {
  /** Runs before the first paint and chooses light or dark. */
  readonly theme: string;
  readonly pages: Readonly<Record<PageName, PageFiles>>;
}

/** @returns `undefined` when the pages have not been built */
export async function loadManifest(): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(manifestFile, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
