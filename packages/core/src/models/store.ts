// Reading and writing rows of any model. Everything that changes an administrator's object goes through here, so that
// checks, changes and their announcement cannot be forgotten.
import { type RawBuilder, sql } from 'kysely';
import { differenceOf } from './difference.ts';
import type { Field } from './field.ts';
import { type FieldErrors, InvalidInput, message } from './invalid.ts';
import type { Model, Row, Values } from './model.ts';
import { forgetInSettings } from './references.ts';
import type { Change, Connection, Difference, Unit } from './unit.ts';
import { requireAll, validate } from './validation.ts';

export interface Selection {
  readonly where: readonly RawBuilder<boolean>[];
  readonly order?: readonly string[];
  readonly limit?: number;
  readonly offset?: number;
}

export async function findRows(db: Connection, model: Model, selection: Selection): Promise<readonly Row[]> {
  const { limit, offset = 0, order = model.order } = selection;
  const page = limit === undefined ? sql`` : sql` limit ${limit} offset ${offset}`;
  const { rows } = await sql<Row>`select * from ${sql.table(model.table)} where ${conditions(model, selection.where)}
    order by ${orderBy(order)}${page}`.execute(db);
  return rows;
}

export async function countRows(db: Connection, model: Model, where: Selection['where']): Promise<number> {
  const { rows } = await sql<{ count: string }>`select count(*) as count from ${sql.table(model.table)}
    where ${conditions(model, where)}`.execute(db);
  return Number(rows[0]?.count ?? 0);
}

/** The row whose column has this value; `undefined` for none, and for values the column cannot hold. */
export async function findRow(
  db: Connection,
  model: Model,
  column: string,
  value: string | number,
): Promise<Row | undefined> {
  if (column === model.key ? !fitsKey(model, value) : String(value).includes('\0')) return undefined;
  const rows = await findRows(db, model, { where: [equals(column, value)], limit: 1 });
  return rows[0];
}

export function equals(column: string, value: unknown): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(column)} = ${value}`;
}

/** @throws InvalidInput with everything that is wrong */
export async function createRow(
  unit: Unit,
  model: Model,
  input: Values,
  source: 'api' | 'blueprint',
  key?: string | number,
): Promise<Row> {
  const checked = await checkedValues(unit, model, input, source, undefined);
  const columns = columnsOf(model, checked, {});
  if (model.kind !== undefined) columns['kind'] = model.kind;
  if (key !== undefined) columns[model.key] = key;
  const names = Object.keys(columns);
  const row = await stored(model, () =>
    sql<Row>`insert into ${sql.table(model.table)} (${sql.join(names.map((name) => sql.ref(name)))})
      values (${sql.join(names.map((name) => columns[name]))}) returning *`.execute(unit.db),
  );
  await storeRelations(unit, model, row, checked, 'new');
  await model.saved?.(unit, row, checked, true);
  record(unit, model, 'created', row, input, {});
  return row;
}

/** @throws InvalidInput with everything that is wrong; `given`: whether required fields may be left out */
export async function updateRow(
  unit: Unit,
  model: Model,
  existing: Row,
  input: Values,
  source: 'api' | 'blueprint',
  given: 'some' | 'all' = 'some',
): Promise<Row> {
  if (given === 'all') requireAll(model, input);
  const checked = await checkedValues(unit, model, input, source, existing);
  const columns = columnsOf(model, checked, existing);
  const names = Object.keys(columns);
  const relations = await relationsOf(unit.db, model, existing, checked);
  const row =
    names.length === 0
      ? existing
      : await stored(model, () =>
          sql<Row>`update ${sql.table(model.table)} set
            ${sql.join(names.map((name) => sql`${sql.ref(name)} = ${columns[name]}`))}
            where ${sql.ref(model.key)} = ${existing[model.key]} returning *`.execute(unit.db),
        );
  await storeRelations(unit, model, row, checked, 'known');
  await model.saved?.(unit, row, checked, false);
  const difference = differenceOf(model, existing, row, { before: relations, after: checked });
  if (Object.keys(difference).length > 0) record(unit, model, 'updated', row, input, difference);
  return row;
}

export async function deleteRow(unit: Unit, model: Model, row: Row): Promise<void> {
  await model.deleting?.(unit, row);
  await forgetInSettings(unit.db, unit.deps.registry, model, row[model.key]);
  await sql`delete from ${sql.table(model.table)} where ${sql.ref(model.key)} = ${row[model.key]}`.execute(unit.db);
  record(unit, model, 'deleted', row, {}, {});
}

export function keyOf(model: Model, row: Row): string | number {
  const key = row[model.key];
  return typeof key === 'number' ? key : String(key);
}

/** Keys of related rows for each row, in one query a relation. */
export async function relatedKeys(
  db: Connection,
  model: Model,
  field: Field,
  rows: readonly Row[],
): Promise<ReadonlyMap<unknown, (string | number)[]>> {
  const found = new Map<unknown, (string | number)[]>();
  if (field.place.at !== 'relation' || rows.length === 0) return found;
  const { table, own, other } = field.place;
  const keys = rows.map((row) => row[model.key]);
  const { rows: pairs } = await sql<{ own: unknown; other: string | number }>`select ${sql.ref(own)} as own,
    ${sql.ref(other)} as other from ${sql.table(table)} where ${sql.ref(own)} in (${sql.join(keys)}) order by 2`.execute(
    db,
  );
  for (const pair of pairs) found.set(pair.own, [...(found.get(pair.own) ?? []), pair.other]);
  return found;
}

function conditions(model: Model, where: readonly RawBuilder<boolean>[]): RawBuilder<unknown> {
  const kind = model.kind === undefined ? [] : [equals('kind', model.kind)];
  const all = [...kind, ...where];
  return all.length === 0 ? sql`true` : sql.join(all, sql` and `);
}

function orderBy(order: readonly string[]): RawBuilder<unknown> {
  const terms = order.map((name) =>
    name.startsWith('-') ? sql`${sql.ref(name.slice(1))} desc` : sql`${sql.ref(name)}`,
  );
  return terms.length === 0 ? sql`1` : sql.join(terms);
}

const uuidText = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

function fitsKey(model: Model, value: string | number): boolean {
  return model.keyType === 'uuid' ? uuidText.test(String(value)) : /^\d{1,9}$/.test(String(value));
}

async function checkedValues(
  unit: Unit,
  model: Model,
  input: Values,
  source: 'api' | 'blueprint',
  existing: Row | undefined,
): Promise<Values> {
  const values = validate(model, input, source, existing !== undefined);
  await checkReferences(unit.db, model, values);
  return model.prepare === undefined ? values : model.prepare(unit, values, existing, source);
}

async function checkReferences(db: Connection, model: Model, values: Values): Promise<void> {
  const asked = Object.entries(values).flatMap(([name, value]) => {
    const references = model.fields[name]?.references;
    if (references === undefined || value === null) return [];
    return [{ name, references, wanted: Array.isArray(value) ? value : [value] }];
  });
  const present = await presentKeys(db, asked);
  const errors: Record<string, string[]> = {};
  for (const { name, wanted } of asked) {
    const missing = wanted.filter((value) => present.get(name)?.has(String(value).toLowerCase()) !== true);
    if (missing.length > 0) errors[name] = missing.map((key) => message.missing(key));
  }
  if (Object.keys(errors).length > 0) throw new InvalidInput(errors satisfies FieldErrors);
}

interface AskedReference {
  readonly name: string;
  readonly references: { readonly table: string; readonly key: string };
  readonly wanted: readonly unknown[];
}

/** Those of the wanted keys that exist, by the field's name; all fields in one query. */
async function presentKeys(
  db: Connection,
  asked: readonly AskedReference[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const queries = asked.flatMap(({ name, references: { table, key }, wanted }) => {
    const possible = key === 'id' ? wanted : wanted.filter((value) => uuidText.test(String(value)));
    if (possible.length === 0) return [];
    return [
      sql`select ${sql.lit(name)} as name, ${sql.ref(key)}::text as key from ${sql.table(table)}
        where ${sql.ref(key)} in (${sql.join(possible)})`,
    ];
  });
  const found = new Map<string, Set<string>>();
  if (queries.length === 0) return found;
  const { rows } = await sql<{ name: string; key: string }>`${sql.join(queries, sql` union all `)}`.execute(db);
  for (const { name, key } of rows) found.set(name, (found.get(name) ?? new Set()).add(key));
  return found;
}

function columnsOf(model: Model, values: Values, existing: Row): Record<string, unknown> {
  const columns: Record<string, unknown> = {};
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const place = model.fields[name]?.place;
    if (place?.at === 'column') columns[place.column] = place.json ? JSON.stringify(value) : value;
    if (place?.at === 'setting') settings[name] = value;
  }
  if (Object.keys(settings).length > 0) {
    const before = existing['settings'];
    columns['settings'] = JSON.stringify({ ...(typeof before === 'object' ? before : {}), ...settings });
  }
  return columns;
}

async function storeRelations(
  { db }: Unit,
  model: Model,
  row: Row,
  values: Values,
  is: 'new' | 'known',
): Promise<void> {
  for (const [name, value] of Object.entries(values)) {
    const place = model.fields[name]?.place;
    if (place?.at !== 'relation' || !Array.isArray(value)) continue;
    const key = row[model.key];
    if (is === 'known')
      await sql`delete from ${sql.table(place.table)} where ${sql.ref(place.own)} = ${key}`.execute(db);
    const pairs = [...new Set(value)].map((other) => sql`(${key}, ${other})`);
    for (let at = 0; at < pairs.length; at += mostPairs)
      await sql`insert into ${sql.table(place.table)} (${sql.ref(place.own)}, ${sql.ref(place.other)})
        values ${sql.join(pairs.slice(at, at + mostPairs))}`.execute(db);
  }
}

/** Of one statement, whose parameters PostgreSQL counts by 16 bits. */
const mostPairs = 10_000;

const uniqueViolation = '23505';

/** Runs a statement that yields one row; a broken uniqueness becomes the message on its field. */
async function stored(model: Model, run: () => Promise<{ readonly rows: readonly Row[] }>): Promise<Row> {
  try {
    const { rows } = await run();
    const [row] = rows;
    if (row === undefined) throw new InvalidInput({ non_field_errors: ['The object is gone.'] });
    return row;
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== uniqueViolation) throw error;
    const detail = 'detail' in error ? String(error.detail) : '';
    const column = /^Key \("?(\w+)"?/.exec(detail)?.[1] ?? '';
    const [name] =
      Object.entries(model.fields).find(([, { place }]) => place.at === 'column' && place.column === column) ?? [];
    throw new InvalidInput({ [name ?? 'non_field_errors']: [message.unique] });
  }
}

/** Keys of the relations that are about to be replaced. */
async function relationsOf(db: Connection, model: Model, row: Row, values: Values): Promise<Values> {
  const found: Values = {};
  for (const [name, field] of Object.entries(model.fields))
    if (field.place.at === 'relation' && values[name] !== undefined)
      found[name] = (await relatedKeys(db, model, field, [row])).get(row[model.key]) ?? [];
  return found;
}

function record(
  unit: Unit,
  model: Model,
  action: Change['action'],
  row: Row,
  input: Values,
  difference: Difference,
): void {
  const fields = Object.keys(input);
  unit.changes.push({ model: model.id, action, row, key: keyOf(model, row), fields, difference });
}
