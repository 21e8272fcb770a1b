// Filters that several models offer (core.md §10.3).
import { sql } from 'kysely';
import { invalidField } from './invalid.ts';
import type { Filter } from './model.ts';

/** Any of the given values, exactly. */
export function exactly(name: string): Filter {
  return (values) => sql<boolean>`${sql.ref(name)}::text in (${sql.join([...values])})`;
}

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

/** Rows whose JSON object contains the given one. */
export function containsJson(name: string): Filter {
  return ([value = '']) => sql<boolean>`${sql.ref(name)} @> ${readObject(name, value)}::jsonb`;
}

function readObject(field: string, value: string): string {
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return JSON.stringify(parsed);
  } catch {
    // not JSON: refused below
  }
  throw invalidField(field, 'Value must be a JSON object.');
}
