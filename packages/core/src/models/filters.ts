// Filters that several models offer (core.md §10.3).
import { type RawBuilder, sql } from 'kysely';
import { InvalidInput, invalidField } from './invalid.ts';
import type { Filter } from './model.ts';
import { storableProblem } from './storable.ts';

/** Any of the given values, exactly. */
export function exactly(name: string): Filter {
  return (values) => sql<boolean>`${sql.ref(name)}::text in (${sql.join([...values])})`;
}

/** Any of the given keys of rows, by the index of the column; what cannot be a key is nobody's. */
export function isKey(name: string, type: 'integer' | 'uuid'): Filter {
  return (values) => sql<boolean>`${sql.ref(name)} = ${anyKey(values, type)}`;
}

/** `any (…)`, to be compared with a column of that type. */
export function anyKey(values: readonly string[], type: 'integer' | 'uuid'): RawBuilder<unknown> {
  return sql`any(${values.filter((value) => shapeOfKey[type].test(value))}::${sql.raw(type)}[])`;
}

const shapeOfKey = { integer: /^\d{1,9}$/, uuid: /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i } as const;

export function isTrue(name: string): Filter {
  return ([value = '']) => sql<boolean>`${sql.ref(name)} = ${isTruthText(value)}`;
}

export function isNull(name: string): Filter {
  return ([value = '']) =>
    isTruthText(value) ? sql<boolean>`${sql.ref(name)} is null` : sql<boolean>`${sql.ref(name)} is not null`;
}

export function ignoringCase(name: string): Filter {
  return ([value = '']) => sql<boolean>`lower(${sql.ref(name)}) = ${value.toLowerCase()}`;
}

/** A value of the row's settings. */
export function ofSetting(name: string): Filter {
  return (values) => sql<boolean>`settings->>${name} in (${sql.join([...values])})`;
}

export function isTruthText(value: string): boolean {
  return /^(?:true|1|on|yes)$/i.test(value);
}

/** @throws InvalidInput */
export function readMoment(field: string, value: string): Date {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) throw invalidField(field, 'Enter a valid date/time.');
  return at;
}

/** `<column>`, `<column>__gt` and `<column>__lt` of a time. */
export function moment(name: string): Readonly<Record<string, Filter>> {
  const at = (suffix: string, value = '') => readMoment(`${name}${suffix}`, value);
  return {
    [name]: ([value]) => sql<boolean>`${sql.ref(name)} = ${at('', value)}`,
    [`${name}__gt`]: ([value]) => sql<boolean>`${sql.ref(name)} > ${at('__gt', value)}`,
    [`${name}__lt`]: ([value]) => sql<boolean>`${sql.ref(name)} < ${at('__lt', value)}`,
  };
}

/** Pattern of texts that this one is part of. */
export const partOf = (text: string): string => `%${text.replace(/[%_\\]/g, '\\$&')}%`;

/**
 * Rows whose JSON object holds the given one; `a__b` in its keys stands for a path, and a last part `in`, `isnull`,
 * `contains`, `icontains`, `iexact`, `startswith`, `gt` or `lt` for how to compare (core.md §10.3).
 */
export function containsJson(name: string): Filter {
  return ([value = '']) => {
    const terms = Object.entries(readObject(name, value)).map(([key, wanted]) => jsonTerm(name, key, wanted));
    return terms.length === 0 ? sql<boolean>`true` : sql<boolean>`(${sql.join(terms, sql` and `)})`;
  };
}

const pattern = (text: unknown) => String(text).replace(/[%_\\]/g, '\\$&');

function jsonTerm(column: string, key: string, wanted: unknown): RawBuilder<boolean> {
  const path = key.split('__');
  const last = path.at(-1) ?? '';
  const compare = Object.hasOwn(comparisons, last) && path.length > 1 ? comparisons[last] : undefined;
  if (compare === undefined) {
    const nested = path.reduceRight<unknown>((inner, step) => ({ [step]: inner }), wanted);
    return sql<boolean>`${sql.ref(column)} @> ${JSON.stringify(nested)}::jsonb`;
  }
  return compare(sql`${sql.ref(column)} #>> ${path.slice(0, -1)}::text[]`, wanted);
}

const comparisons: Readonly<Record<string, (text: RawBuilder<unknown>, wanted: unknown) => RawBuilder<boolean>>> = {
  in: (text, wanted) =>
    sql<boolean>`${text} in (${sql.join(Array.isArray(wanted) && wanted.length > 0 ? wanted.map(String) : [null])})`,
  isnull: (text, wanted) => (wanted === true ? sql<boolean>`${text} is null` : sql<boolean>`${text} is not null`),
  contains: (text, wanted) => sql<boolean>`${text} like ${`%${pattern(wanted)}%`}`,
  icontains: (text, wanted) => sql<boolean>`${text} ilike ${`%${pattern(wanted)}%`}`,
  iexact: (text, wanted) => sql<boolean>`lower(${text}) = ${String(wanted).toLowerCase()}`,
  startswith: (text, wanted) => sql<boolean>`starts_with(${text}, ${String(wanted)})`,
  gt: (text, wanted) => sql<boolean>`(${text})::numeric > ${Number(wanted)}`,
  lt: (text, wanted) => sql<boolean>`(${text})::numeric < ${Number(wanted)}`,
};

function readObject(field: string, value: string): object {
  try {
    const parsed: unknown = JSON.parse(value);
    const problem = storableProblem(parsed);
    if (problem !== undefined) throw invalidField(field, problem);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch (error) {
    if (error instanceof InvalidInput) throw error; // anything else is not JSON: refused below
  }
  throw invalidField(field, 'Value must be a JSON object.');
}
