// How blueprints find objects (core.md §20.4): by a field, through a reference (`provider__name`), inside JSON
// (`attributes__dept__nr`), compared in the way that the last part says.
import { type RawBuilder, sql } from 'kysely';
import type { Field } from '../models/field.ts';
import { InvalidInput } from '../models/invalid.ts';
import type { Model } from '../models/model.ts';
import type { Registry } from '../models/registry.ts';

type Comparison = (left: RawBuilder<unknown>, wanted: unknown) => RawBuilder<boolean>;

const pattern = (value: unknown) => String(value).replace(/[%_\\]/g, '\\$&');
const texts = (wanted: unknown) => (Array.isArray(wanted) && wanted.length > 0 ? wanted.map(String) : ['']);

const comparisons: Readonly<Record<string, Comparison>> = {
  exact: (left, wanted) => sql<boolean>`${left}::text = ${String(wanted)}`,
  iexact: (left, wanted) => sql<boolean>`lower(${left}::text) = ${String(wanted).toLowerCase()}`,
  contains: (left, wanted) => sql<boolean>`${left}::text like ${`%${pattern(wanted)}%`}`,
  icontains: (left, wanted) => sql<boolean>`${left}::text ilike ${`%${pattern(wanted)}%`}`,
  in: (left, wanted) => sql<boolean>`${left}::text in (${sql.join(texts(wanted))})`,
  startswith: (left, wanted) => sql<boolean>`starts_with(${left}::text, ${String(wanted)})`,
  gt: (left, wanted) => sql<boolean>`${left}::text::numeric > ${Number(wanted)}`,
  lt: (left, wanted) => sql<boolean>`${left}::text::numeric < ${Number(wanted)}`,
  isnull: (left, wanted) => (wanted === true ? sql<boolean>`${left} is null` : sql<boolean>`${left} is not null`),
};

/** Base classes stand for all kinds of a table. */
const bases: Readonly<Record<string, string>> = {
  'authentik_core.provider': 'providers',
  'authentik_flows.stage': 'stages',
  'authentik_policies.policy': 'policies',
  'authentik_core.propertymapping': 'property_mappings',
};

/** A model, or every kind below one of the shared bases. */
export function familyOf({ all }: Registry, id: string): readonly Model[] {
  const wanted = id.toLowerCase();
  const table = Object.hasOwn(bases, wanted) ? bases[wanted] : undefined;
  return all.filter((model) => (table === undefined ? model.id === wanted : model.table === table));
}

export const isBase = (id: string): boolean => Object.hasOwn(bases, id.toLowerCase());

/** The condition of one identifier or lookup. @throws InvalidInput for a name that the model does not have */
export function lookup(registry: Registry, model: Model, name: string, value: unknown): RawBuilder<boolean> {
  const steps = name.split('__');
  const last = steps.at(-1) ?? '';
  const compare = steps.length > 1 && Object.hasOwn(comparisons, last) ? comparisons[last] : undefined;
  const [first = '', ...path] = compare === undefined ? steps : steps.slice(0, -1);
  const field = model.fields[first];
  if (isKey(model, first)) return (compare ?? comparisons['exact'] ?? never)(sql.ref(model.key), value);
  if (field === undefined) throw unknown(model, name);
  if (path.length > 0 && field.references !== undefined)
    return throughReference(registry, field, [...path, ...(compare === undefined ? [] : [last])].join('__'), value);
  return compareField(field, first, path, compare, value) ?? fail(model, name);
}

const never: Comparison = () => sql<boolean>`false`;

function isKey(model: Model, name: string): boolean {
  return name === 'pk' || (model.fields[name] === undefined && (name === model.key || name === model.bindingKey));
}

function compareField(
  { place }: Field,
  name: string,
  path: readonly string[],
  compare: Comparison | undefined,
  value: unknown,
): RawBuilder<boolean> | undefined {
  // An object with a key stands for that key.
  const plain = typeof value === 'object' && value !== null && 'pk' in value ? value.pk : value;
  if (place.at === 'relation') {
    const holds = sql`select 1 from ${sql.table(place.table)} pairs where pairs.${sql.ref(place.other)}::text
      in (${sql.join(Array.isArray(plain) ? texts(plain) : [String(plain)])})`;
    return sql<boolean>`exists (${holds})`;
  }
  if (place.at === 'elsewhere') return undefined;
  const inJson = place.at === 'setting' || place.json;
  const column = place.at === 'setting' ? 'settings' : place.column;
  const steps = place.at === 'setting' ? [name, ...path] : path;
  if (!inJson) {
    if (path.length > 0) return undefined;
    if (compare !== undefined) return compare(sql.ref(column), plain);
    return plain === null ? sql<boolean>`${sql.ref(column)} is null` : sql<boolean>`${sql.ref(column)} = ${plain}`;
  }
  if (compare !== undefined) return compare(sql`(${sql.ref(column)} #>> ${steps}::text[])`, plain);
  const nested = steps.reduceRight<unknown>((inner, step) => ({ [step]: inner }), plain);
  return sql<boolean>`${sql.ref(column)} @> ${JSON.stringify(nested)}::jsonb`;
}

function throughReference(registry: Registry, field: Field, rest: string, value: unknown): RawBuilder<boolean> {
  const { place, references } = field;
  const targets = registry.all.filter(({ table }) => table === references?.table);
  const [target] = targets;
  if (target === undefined || references === undefined || place.at !== 'column') return sql<boolean>`false`;
  const condition = lookup(registry, target, rest, value);
  return sql<boolean>`${sql.ref(place.column)} in (select ${sql.ref(references.key)} from ${sql.table(references.table)}
    where ${condition})`;
}

const unknown = (model: Model, name: string) =>
  new InvalidInput({ [name]: [`${model.id} cannot be found by ${name}.`] });

function fail(model: Model, name: string): never {
  throw unknown(model, name);
}
