// Stored files that nothing refers to, and references without a file (files.md §15.2 "Orphans and danglers"). A report:
// links from outside are unknown here, so nothing is ever deleted on its word.
import type { ListedFile } from './backend.ts';
import { isExternalUrl, isIconClass, isStaticPath } from './names.ts';
import { themedValues } from './themes.ts';

/** A field's value, and whatever the caller needs to find the object again. */
export interface Reference<Owner> {
  readonly value: string;
  readonly owner: Owner;
}

export interface ReferenceReport<Owner> {
  readonly orphans: readonly ListedFile[];
  /** With the file that is missing: one per theme where the value has themes. */
  readonly dangling: readonly { readonly missing: string; readonly reference: Reference<Owner> }[];
}

/** Holds every reference against every file of one tenant; memory grows with the number of names. */
export async function compareReferences<Owner>(
  files: AsyncIterable<ListedFile>,
  references: Iterable<Reference<Owner>>,
): Promise<ReferenceReport<Owner>> {
  const stored = new Map<string, ListedFile>();
  for await (const file of files) stored.set(file.name, file);
  const wanted = new Set<string>();
  const dangling: { missing: string; reference: Reference<Owner> }[] = [];
  for (const reference of references) {
    for (const name of filesOf(reference.value)) {
      wanted.add(name);
      if (!stored.has(name)) dangling.push({ missing: name, reference });
    }
    wanted.add(reference.value); // a file that is literally named with the placeholder (files.md §7.1)
  }
  return { orphans: [...stored.values()].filter(({ name }) => !wanted.has(name)), dangling };
}

/** True when `value` shows `name`, by itself or in one of its themes (files.md §8.3). */
export function refersTo(value: string, name: string): boolean {
  return value === name || filesOf(value).includes(name);
}

function filesOf(value: string): readonly string[] {
  if (value === '' || isStaticPath(value) || isExternalUrl(value) || isIconClass(value)) return [];
  const themed = themedValues(value);
  return themed === undefined ? [value] : [themed.light, themed.dark];
}
