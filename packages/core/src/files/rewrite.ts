// Lets objects show their files under other names: all in one transaction, each object once. Called by rename.ts and
// migrate.ts.
import type { CoreDeps } from '../deps.ts';
import type { Values } from '../models/model.ts';
import { updateRow } from '../models/store.ts';
import { type Author, inUnit } from '../models/unit.ts';
import type { FileOwner, FileReference } from './references.ts';

export interface Rewriting {
  readonly reference: FileReference;
  /** What the field holds from now on. */
  readonly value: string;
}

export async function rewriteReferences(
  deps: CoreDeps,
  author: Author,
  rewritings: readonly Rewriting[],
): Promise<void> {
  const objects = new Map<string, { readonly owner: FileOwner; readonly values: Values }>();
  for (const { reference, value } of rewritings) {
    const { owner } = reference;
    const id = `${owner.model.table} ${owner.key}`;
    objects.set(id, { owner, values: { ...objects.get(id)?.values, [owner.field]: value } });
  }
  await inUnit(deps, author, async (unit) => {
    for (const { owner, values } of objects.values())
      await updateRow(unit, owner.model, owner.row, values, 'blueprint');
  });
}
