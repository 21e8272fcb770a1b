// A search by words in a table without end (events) looks at the newest rows only, and says so: the answer tells from when on it
// has looked, and `search_before` with that moment looks further back. An index over all words would cost every login more
// than such searches are worth.
import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/connection.ts';
import { invalidField } from '../models/invalid.ts';
import type { Model, SearchLimit } from '../models/model.ts';

export const wordsOf = (query: URLSearchParams): readonly string[] =>
  (query.get('search') ?? '').split(/[\s,]+/).filter((word) => word !== '');

/** Rows that this search looks at. @throws InvalidInput if `search_before` is no moment */
export function searched(model: Model, limit: SearchLimit, query: URLSearchParams): RawBuilder<boolean> {
  const at = sql.ref(limit.by);
  return sql<boolean>`(${at} < ${beforeOf(query)} and ${at} >= coalesce(${oldestSearched(model, limit, query)}, '-infinity'))`;
}

/** Part of a list's answer: how far a search by words has looked, if there are rows that it has not looked at. */
export async function searchReach(
  { kysely }: Pick<Database, 'kysely'>,
  model: Model,
  query: URLSearchParams,
): Promise<{ readonly searched?: { readonly rows: number; readonly since: string } }> {
  const { searchLimit } = model;
  if (searchLimit === undefined || wordsOf(query).length === 0) return {};
  // As the database writes it: a millisecond of ours may hold several rows of its microseconds.
  const { rows } = await sql<{ since: string | null }>`
    select to_json(${oldestSearched(model, searchLimit, query)}) #>> '{}' as since`.execute(kysely);
  const since = rows[0]?.since ?? null;
  return since === null ? {} : { searched: { rows: searchLimit.most, since } };
}

/** The moment of the last row that is looked at, if others are older. */
function oldestSearched(model: Model, { most, by }: SearchLimit, query: URLSearchParams): RawBuilder<unknown> {
  return sql`(select ${sql.ref(by)} from ${sql.table(model.table)} where ${sql.ref(by)} < ${beforeOf(query)}
    order by ${sql.ref(by)} desc offset ${sql.lit(most)} limit 1)`;
}

function beforeOf(query: URLSearchParams): RawBuilder<unknown> {
  const given = query.get('search_before') ?? '';
  if (given === '') return sql`'infinity'::timestamptz`;
  if (!Number.isNaN(Date.parse(given))) return sql`${given}::timestamptz`;
  throw invalidField('search_before', 'Enter a valid date and time.');
}
