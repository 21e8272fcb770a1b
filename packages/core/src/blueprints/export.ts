// Objects as a blueprint (core.md §20.4, "Commands"): no anchors and no tags; keys are kept, and applying elsewhere maps them.
import { type RawBuilder, sql } from 'kysely';
import { stringify } from 'yaml';
import type { CoreDeps } from '../deps.ts';
import type { Field } from '../models/field.ts';
import type { Model, Row, Values } from '../models/model.ts';
import { fieldValue } from '../models/represent.ts';
import { findRows, keyOf, relatedKeys } from '../models/store.ts';

interface Exported {
  readonly model: Model;
  readonly row: Row;
}

/** How each kind is found again; others by their key alone. */
const identifying: Readonly<Record<string, readonly string[]>> = {
  'authentik_flows.flow': ['slug'],
  'authentik_flows.flowstagebinding': ['target', 'stage', 'order'],
  'authentik_policies.policybinding': ['policy', 'target', 'order'],
};

/** A flow with its stages, their prompts and policies, and all bindings. */
export async function exportFlow(deps: CoreDeps, flow: Row): Promise<string> {
  const bindings = await rowsOf(deps, 'stage_bindings', sql<boolean>`flow = ${flow['uuid']}`);
  const among = (values: readonly unknown[]) => sql.join([noKey, ...values]);
  const stageKeys = bindings.map(({ row }) => row['stage']);
  const stages = await rowsOf(deps, 'stages', sql<boolean>`uuid in (${among(stageKeys)})`);
  const targets = [flow['pbm_uuid'], ...bindings.map(({ row }) => row['pbm_uuid'])];
  const policyBindings = await rowsOf(
    deps,
    'policy_bindings',
    sql<boolean>`target in (${among(targets)}) and policy is not null`,
  );
  const policyKeys = [...policyBindings.map(({ row }) => row['policy']), ...referred(stages, 'policies')];
  const policies = await rowsOf(deps, 'policies', sql<boolean>`uuid in (${among(policyKeys)})`);
  const prompts = await rowsOf(deps, 'prompts', sql<boolean>`uuid in (${among(referred(stages, 'prompts'))})`);
  const flows = await rowsOf(deps, 'flows', sql<boolean>`uuid = ${flow['uuid']}`);
  const found = [...flows, ...prompts, ...policies, ...stages, ...bindings, ...policyBindings];
  return blueprintText(deps, `${String(flow['name'])} (export)`, found);
}

const noKey = '00000000-0000-0000-0000-000000000000';

/** Keys of rows of this table in the settings of others. */
function referred(found: readonly Exported[], table: string): unknown[] {
  return found.flatMap(({ model, row }) =>
    Object.entries(model.fields)
      .filter(([, { references }]) => references?.table === table)
      .flatMap(([name]) => fieldValue(model, row, name) ?? []),
  );
}

/** Everything that blueprints can make, but events and the user that stands for nobody. */
export async function exportAll(deps: CoreDeps): Promise<string> {
  const found: Exported[] = [];
  for (const model of deps.registry.all) {
    if (model.internal === true || model.id === 'authentik_events.event') continue;
    const where = model.listed === undefined ? [] : [model.listed];
    for (const row of await findRows(deps.database.kysely, model, { where })) found.push({ model, row });
  }
  return blueprintText(deps, 'Export', found);
}

async function rowsOf(deps: CoreDeps, table: string, where: RawBuilder<boolean>): Promise<Exported[]> {
  const models = deps.registry.all.filter((model) => model.table === table);
  const found: Exported[] = [];
  for (const model of models)
    for (const row of await findRows(deps.database.kysely, model, { where: [where] })) found.push({ model, row });
  return found;
}

async function blueprintText(deps: CoreDeps, name: string, found: readonly Exported[]): Promise<string> {
  const known = new Set(
    found.flatMap(({ model, row }) => [String(row[model.key]), String(row[model.bindingKey ?? ''])]),
  );
  const publicKeys = new Map(found.map(({ model, row }) => [String(row[model.bindingKey ?? '']), keyOf(model, row)]));
  const entries: object[] = [];
  for (const { model, row } of found) {
    const names = identifying[model.id] ?? (model.fields['name'] === undefined ? [] : ['name']);
    const attrs = await attributesOf(deps, model, row, known);
    // Bindings name their target by a key that only this installation knows: the public one is mapped elsewhere.
    if (typeof attrs['target'] === 'string') attrs['target'] = publicKeys.get(attrs['target']) ?? attrs['target'];
    const identifiers: Values = { pk: keyOf(model, row) };
    for (const field of names) {
      identifiers[field] = attrs[field];
      delete attrs[field];
    }
    entries.push({ model: model.id, identifiers, attrs });
  }
  const metadata = { name, labels: { 'blueprints.goauthentik.io/generated': 'true' } };
  return stringify({ version: 1, metadata, entries }, { aliasDuplicateObjects: false, version: '1.1' });
}

/** What may be written back, without secrets and without references to what is not exported. */
async function attributesOf(
  deps: CoreDeps,
  model: Model,
  row: Row,
  known: ReadonlySet<string>,
): Promise<Record<string, unknown>> {
  const attrs: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(model.fields)) {
    if (field.hidden === true || field.readOnly === true) continue;
    const value = await exportedValue(deps, model, row, name, field);
    if (field.references === undefined) attrs[name] = value;
    else if (Array.isArray(value)) attrs[name] = value.filter((key) => known.has(String(key)));
    else if (value !== null && known.has(String(value))) attrs[name] = value;
  }
  return attrs;
}

async function exportedValue(deps: CoreDeps, model: Model, row: Row, name: string, field: Field): Promise<unknown> {
  if (field.place.at !== 'relation') return fieldValue(model, row, name);
  return (await relatedKeys(deps.database.kysely, model, field, [row])).get(row[model.key]) ?? [];
}
