// Values of the time when files had permanent URLs below /media/ (files.md §13): rewritten to the names of the files, where
// these are there; what is not, and links in style sheets, is told. Called by `gatehouse files migrate`.
import { parseFileName } from '@gatehouse/storage';
import type { CoreDeps } from '../deps.ts';
import { coreItself } from '../models/unit.ts';
import { tenant } from './core-files.ts';
import { type FileReference, fileMentions, fileReferences } from './references.ts';
import { rewriteReferences } from './rewrite.ts';

export interface MigrationReport {
  readonly rewritten: readonly { readonly reference: FileReference; readonly value: string }[];
  /** Their file is not in the store; they are left as they are. */
  readonly missing: readonly FileReference[];
  /** Links in style sheets, which only people can replace: URLs of files are signed and short-lived now. */
  readonly links: readonly string[];
}

/** @param dryRun only tells */
export async function migrateMedia(deps: CoreDeps, dryRun: boolean): Promise<MigrationReport> {
  const old = (await fileReferences(deps)).flatMap((reference) => {
    const value = nameInMedia(reference.value);
    return value === undefined ? [] : [{ reference, value }];
  });
  const there = await Promise.all(old.map(({ value }) => deps.files.media.exists(parseFileName(value), tenant)));
  const rewritten = old.filter((_, at) => there[at] === true);
  if (!dryRun) await rewriteReferences(deps, { ...coreItself, cause: 'gatehouse files migrate' }, rewritten);
  const links = (await fileMentions(deps)).match(/\/media\/[^\s"')]+/g) ?? [];
  return {
    rewritten,
    missing: old.filter((_, at) => there[at] !== true).map(({ reference }) => reference),
    links: [...new Set(links)],
  };
}

/** `x` of `/media/<schema>/x`, with or without a host; `undefined` for anything else. */
export function nameInMedia(value: string): string | undefined {
  const name = /^(?:https?:\/\/[^/]+)?\/media\/[^/]+\/([^?#]+)$/i.exec(value)?.[1];
  if (name === undefined) return undefined;
  try {
    return parseFileName(decodeURIComponent(name));
  } catch {
    return undefined; // a name that no file can have any more
  }
}
