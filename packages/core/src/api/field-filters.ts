// Filters that every field shown to callers has, beside those a model names itself (core.md §10.3): `mode=`,
// `mode__iexact=`, `mode__icontains=`, `mode__isnull=`, and for the key of another row `authorization_flow__slug__iexact=`.
import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import type { Field } from '../models/field.ts';
import { isTruthText } from '../models/filters.ts';
import type { Filter, Model } from '../models/model.ts';

/** By what rows that others name can be found, and the column where that is. */
const namesOf: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  flows: { slug: 'slug', name: 'name' },
  certificates: { name: 'name', kp_uuid: 'uuid' },
  groups: { name: 'name' },
  stages: { name: 'name' },
  policies: { name: 'name' },
  users: { username: 'username' },
};

type Compare = (text: RawBuilder<unknown>, values: readonly string[]) => RawBuilder<boolean>;

const comparisons: Readonly<Record<string, Compare>> = {
  exact: (text, values) => sql<boolean>`${text} in (${sql.join([...values])})`,
  iexact: (text, values) => sql<boolean>`lower(${text}) in (${sql.join(values.map((value) => value.toLowerCase()))})`,
  icontains: (text, [value = '']) => sql<boolean>`${text} ilike ${`%${value.replace(/[%_\\]/g, '\\$&')}%`}`,
  isnull: (text, [value = '']) =>
    isTruthText(value) ? sql<boolean>`${text} is null` : sql<boolean>`${text} is not null`,
};

/** The filter that a parameter of this name stands for, if the field that it begins with is one. */
export function fieldFilter(model: Model, parameter: string): Filter | undefined {
  const [name = '', ...rest] = parameter.split('__');
  const field = Object.hasOwn(model.fields, name) ? model.fields[name] : undefined;
  if (field === undefined || !isFiltered(field)) return undefined;
  const last = rest.at(-1) ?? '';
  const compare = Object.hasOwn(comparisons, last) ? comparisons[last] : comparisons['exact'];
  const path = Object.hasOwn(comparisons, last) ? rest.slice(0, -1) : rest;
  const [of, ...deeper] = path;
  if (compare === undefined || deeper.length > 0) return undefined;
  if (of === undefined) return (values) => compared(model, { name, field }, compare, plainValues(field, values));
  const { references } = field;
  const names = references === undefined ? {} : (namesOf[references.table] ?? {});
  const column = Object.hasOwn(names, of) ? names[of] : undefined;
  if (references === undefined || column === undefined) return undefined;
  return (values) => {
    const found = sql`select ${sql.ref(references.key)}::text from ${sql.table(references.table)}
      where ${compare(sql`${sql.ref(`${references.table}.${column}`)}::text`, values)}`;
    return compared(model, { name, field }, (text) => sql<boolean>`${text} in (${found})`, values);
  };
}

/** Names of those filters, for the OpenAPI document; spellings for other cases are not listed. */
export function fieldFilterNames(model: Model): readonly string[] {
  return Object.entries(model.fields).flatMap(([name, field]) => {
    if (!isFiltered(field)) return [];
    const others = field.references === undefined ? [] : Object.keys(namesOf[field.references.table] ?? {});
    return [name, ...others.map((of) => `${name}__${of}__iexact`)];
  });
}

const isFiltered = ({ hidden, place }: Field): boolean =>
  hidden !== true && place.at !== 'elsewhere' && !(place.at === 'column' && place.json);

interface NamedField {
  readonly name: string;
  readonly field: Field;
}

function compared(
  model: Model,
  { name, field }: NamedField,
  compare: Compare,
  values: readonly string[],
): RawBuilder<boolean> {
  const { place } = field;
  if (place.at === 'column') return compare(sql`${sql.ref(place.column)}::text`, values);
  if (place.at === 'relation') {
    const own = sql`${sql.ref(`${place.table}.${place.own}`)} = ${sql.ref(`${model.table}.${model.key}`)}`;
    return anyOf(
      sql`${sql.table(place.table)} where ${own}`,
      sql.ref(`${place.table}.${place.other}`),
      compare,
      values,
    );
  }
  if (isList(field.schema)) {
    const items = sql`jsonb_array_elements_text(coalesce(settings->${name}, '[]')) as item (key)`;
    return anyOf(sql`${items} where true`, sql.ref('item.key'), compare, values);
  }
  const initial = field.drawn === true ? undefined : field.initial?.();
  return compare(sql`coalesce(settings->>${name}, ${initial == null ? null : String(initial)}::text)`, values);
}

/** Without any is null: of a list, `isnull` asks whether it is empty. */
function anyOf(from: RawBuilder<unknown>, key: RawBuilder<unknown>, compare: Compare, values: readonly string[]) {
  if (compare !== comparisons['isnull'])
    return sql<boolean>`exists (select 1 from ${from} and ${compare(sql`${key}::text`, values)})`;
  const some = sql<boolean>`exists (select 1 from ${from})`;
  return isTruthText(values[0] ?? '') ? sql<boolean>`not ${some}` : some;
}

/** Truth is spelt in many ways: `True`, `1`. */
function plainValues({ schema }: Field, values: readonly string[]): readonly string[] {
  return schema instanceof z.ZodBoolean ? values.map((value) => String(isTruthText(value))) : values;
}

const isList = (schema: z.ZodType): boolean => schema instanceof z.ZodArray;
