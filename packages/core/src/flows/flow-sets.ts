// The flows that use a stage, as lists of stages show them (core.md §11.5, `flow_set`).
import type { CoreDeps } from '../deps.ts';
import { defaultBackground } from './background-image.ts';

export async function flowSets(
  { database, files, webPath }: CoreDeps,
  stages: readonly string[],
): Promise<ReadonlyMap<string, object[]>> {
  const found = new Map<string, object[]>();
  if (stages.length === 0) return found;
  const rows = await database.kysely
    .selectFrom('stage_bindings')
    .innerJoin('flows', 'flows.uuid', 'stage_bindings.flow')
    .selectAll('flows')
    .select('stage_bindings.stage')
    .where('stage_bindings.stage', 'in', [...stages])
    .orderBy('flows.slug')
    .execute();
  for (const { stage, uuid, pbm_uuid, name, slug, title, designation, background, ...flow } of rows) {
    const shown = {
      pk: uuid,
      policybindingmodel_ptr_id: pbm_uuid,
      name,
      slug,
      title,
      designation,
      background_url: await files.url(background === '' ? defaultBackground : background),
      policy_engine_mode: flow.policy_engine_mode,
      compatibility_mode: flow.compatibility_mode,
      export_url: `${webPath}api/v3/flows/instances/${slug}/export/`,
      layout: flow.layout,
      denied_action: flow.denied_action,
    };
    found.set(stage, [...(found.get(stage) ?? []), shown]);
  }
  return found;
}
