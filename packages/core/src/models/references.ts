// Who points at whom (core.md §10.1, `used_by`): found from the declared fields, so that a new model is covered at once.
import { sql } from 'kysely';
import type { Field } from './field.ts';
import { type Model, type Row, titleOf } from './model.ts';
import type { Registry } from './registry.ts';
import type { Connection } from './unit.ts';

export interface Referrer {
  readonly model: Model;
  readonly name: string;
  readonly field: Field;
}

export type Consequence = 'cascade' | 'cascade_many' | 'set_null' | 'set_default' | 'left_dangling';

/** Fields of all models that hold keys of this model's table. */
export function referrersOf(registry: Registry, model: Model): readonly Referrer[] {
  return registry.all.flatMap((other) =>
    Object.entries(other.fields)
      .filter(([, field]) => field.references?.table === model.table && field.references.key === model.key)
      .map(([name, field]) => ({ model: other, name, field })),
  );
}

export interface Use {
  readonly model: Model;
  readonly row: Row;
  readonly title: string;
  readonly action: Consequence;
}

/** Rows that name this one, and what its deletion does to them. One query a referring field. */
export async function usesOf(db: Connection, registry: Registry, model: Model, row: Row): Promise<readonly Use[]> {
  const uses: Use[] = [];
  for (const referrer of referrersOf(registry, model)) {
    const rows = await referring(db, referrer, row[model.key]);
    uses.push(
      ...rows.map((other) => ({
        model: referrer.model,
        row: other,
        title: titleOf(other),
        action: consequenceOf(referrer.field),
      })),
    );
  }
  const bindings = model.bindingKey === undefined ? undefined : registry.get('authentik_policies.policybinding');
  if (bindings !== undefined && model.bindingKey !== undefined) {
    const { rows } = await sql<Row>`select * from policy_bindings where target = ${row[model.bindingKey]}`.execute(db);
    for (const binding of rows)
      uses.push({ model: bindings, row: binding, title: `Binding ${String(binding['order'])}`, action: 'cascade' });
  }
  return uses;
}

/** Takes the key of a row that goes out of the settings of others, where no foreign key can. */
export async function forgetInSettings(db: Connection, registry: Registry, model: Model, key: unknown): Promise<void> {
  for (const { model: other, name, field } of referrersOf(registry, model)) {
    if (field.place.at !== 'setting') continue;
    const kind = other.kind === undefined ? sql`` : sql` and kind = ${other.kind}`;
    const one = JSON.stringify({ [name]: key });
    const many = JSON.stringify({ [name]: [key] });
    await sql`update ${sql.table(other.table)} set settings = jsonb_set(settings, array[${name}]::text[],
      case when jsonb_typeof(settings->${name}) = 'array'
        then (select coalesce(jsonb_agg(item), '[]') from jsonb_array_elements(settings->${name}) item
          where item <> ${JSON.stringify(key)}::jsonb)
        else 'null'::jsonb end)
      where (settings @> ${one}::jsonb or settings @> ${many}::jsonb)${kind}`.execute(db);
  }
}

async function referring(db: Connection, { model, name, field }: Referrer, key: unknown): Promise<readonly Row[]> {
  const { place } = field;
  const kind = model.kind === undefined ? sql`true` : sql`kind = ${model.kind}`;
  const table = sql.table(model.table);
  if (place.at === 'column') {
    const found = sql<Row>`select * from ${table} where ${kind} and ${sql.ref(place.column)} = ${key}`;
    return (await found.execute(db)).rows;
  }
  if (place.at === 'relation') {
    const pairs = sql`select ${sql.ref(place.own)} from ${sql.table(place.table)} where ${sql.ref(place.other)} = ${key}`;
    return (await sql<Row>`select * from ${table} where ${kind} and ${sql.ref(model.key)} in (${pairs})`.execute(db))
      .rows;
  }
  if (place.at !== 'setting') return [];
  const one = JSON.stringify({ [name]: key });
  const many = JSON.stringify({ [name]: [key] });
  const found = sql<Row>`select * from ${table} where ${kind} and (settings @> ${one}::jsonb or settings @> ${many}::jsonb)`;
  return (await found.execute(db)).rows;
}

function consequenceOf({ place, initial }: Field): Consequence {
  if (place.at === 'relation') return 'cascade_many';
  return place.at === 'column' && initial === undefined ? 'cascade' : 'set_null';
}
