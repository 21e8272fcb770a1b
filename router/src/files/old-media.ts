// Links of the time when uploaded pictures had permanent URLs (files.md §13), for installations that switch this on: an
// image that is there is found at a fresh signed URL. Those links were public, and so is what they lead to.
import { contentTypeOf, signedTarget } from '@gatehouse/storage';
import { type StoredFiles, safeImages } from './serve.ts';

export interface OldLink {
  readonly stored: StoredFiles;
  /** `<tenant>/<name>`, decoded. */
  readonly path: string;
  readonly webPath: string;
  readonly nowMs: number;
}

/** Where the image is now; `undefined` for what is no image, or not there. */
export async function newPlaceOf({ stored, path, webPath, nowMs }: OldLink): Promise<string | undefined> {
  if (!safeImages.has(contentTypeOf(path))) return undefined;
  const found = await stored.files.find(path);
  if (found === undefined) return undefined;
  await found.close();
  return signedTarget(stored.signer, { path: `${stored.usage}/${path}`, webPath, nowMs });
}
