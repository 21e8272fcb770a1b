// Which application each provider belongs to, as its main provider or as a back-channel one (core.md §4.2).
import type { CoreDeps } from '../deps.ts';
import type { Row } from '../models/model.ts';

export interface Assignment {
  readonly assigned_application_slug: string | null;
  readonly assigned_application_name: string | null;
  readonly assigned_backchannel_application_slug: string | null;
  readonly assigned_backchannel_application_name: string | null;
}

export async function assignmentsOf(
  { database }: CoreDeps,
  providers: readonly number[],
): Promise<ReadonlyMap<number, Assignment>> {
  if (providers.length === 0) return new Map();
  const { kysely } = database;
  const wanted = [...providers];
  const main = await kysely
    .selectFrom('applications')
    .select(['provider', 'slug', 'name'])
    .where('provider', 'in', wanted)
    .execute();
  const back = await kysely
    .selectFrom('application_backchannel')
    .innerJoin('applications', 'applications.pbm_uuid', 'application_backchannel.application')
    .select(['application_backchannel.provider', 'applications.slug', 'applications.name'])
    .where('application_backchannel.provider', 'in', wanted)
    .execute();
  return new Map(
    wanted.map((pk) => {
      const direct = main.find(({ provider }) => provider === pk);
      const channel = back.find(({ provider }) => provider === pk);
      return [
        pk,
        {
          assigned_application_slug: direct?.slug ?? null,
          assigned_application_name: direct?.name ?? null,
          assigned_backchannel_application_slug: channel?.slug ?? null,
          assigned_backchannel_application_name: channel?.name ?? null,
        },
      ];
    }),
  );
}

/** Names of the outposts that serve each provider. */
export async function outpostNames(
  { database }: CoreDeps,
  providers: readonly Row[],
): Promise<ReadonlyMap<number, string[]>> {
  const found = new Map<number, string[]>();
  const ids = providers.map((row) => Number(row['id']));
  if (ids.length === 0) return found;
  const rows = await database.kysely
    .selectFrom('outpost_providers')
    .innerJoin('outposts', 'outposts.uuid', 'outpost_providers.outpost')
    .select(['outpost_providers.provider', 'outposts.name'])
    .where('outpost_providers.provider', 'in', ids)
    .orderBy('outposts.name')
    .execute();
  for (const { provider, name } of rows) found.set(provider, [...(found.get(provider) ?? []), name]);
  return found;
}
