// What applies to a user (core.md §12.4): attributes of the brand, then of all groups by name, then the user's own.
import { sql } from 'kysely';
import type { CoreDeps } from '../deps.ts';
import { deepMerge, isMapping } from '../models/merge.ts';

export async function effectiveAttributes(
  { database }: CoreDeps,
  user: { readonly id: number; readonly attributes: unknown },
  brandAttributes: unknown = {},
): Promise<Readonly<Record<string, unknown>>> {
  const { rows } = await sql<{ attributes: unknown }>`select attributes from groups
    where uuid in (select groups_of_user(${user.id})) order by name`.execute(database.kysely);
  const layers = [brandAttributes, ...rows.map(({ attributes }) => attributes), user.attributes];
  return layers.filter(isMapping).reduce<Record<string, unknown>>((merged, layer) => deepMerge(merged, layer), {});
}
