// Query parameters of lists as conditions and order (core.md §10.3).
import { type RawBuilder, sql } from 'kysely';
import { invalidField, message } from '../models/invalid.ts';
import type { Model } from '../models/model.ts';
import { fieldFilter } from './field-filters.ts';
import { searched, wordsOf } from './search-limit.ts';

/** Filters the model offers or that its fields have, and `search`: every word in at least one of its search fields. */
export function filtersOf(model: Model, query: URLSearchParams): RawBuilder<boolean>[] {
  const found: RawBuilder<boolean>[] = [];
  for (const [name, value] of query) if (value.includes('\0')) throw invalidField(name, message.nullCharacter);
  for (const name of new Set(query.keys())) {
    const own = model.filters !== undefined && Object.hasOwn(model.filters, name) ? model.filters[name] : undefined;
    const filter = own ?? fieldFilter(model, name);
    const values = query.getAll(name).filter((value) => value !== '');
    if (filter !== undefined && values.length > 0) found.push(filter(values, query));
  }
  const words = wordsOf(query);
  const columns = model.search ?? [];
  if (model.searchLimit !== undefined && words.length > 0) found.push(searched(model, model.searchLimit, query));
  if (columns.length > 0)
    for (const word of words) {
      const pattern = `%${word.replace(/[%_\\]/g, '\\$&')}%`;
      const matches = columns.map((column) => sql`${sql.ref(column)}::text ilike ${pattern}`);
      found.push(sql<boolean>`(${sql.join(matches, sql` or `)})`);
    }
  return found;
}

/** Columns; unknown names in `ordering` are ignored. The key comes last, so that pages never overlap. */
export function orderOf(model: Model, query: URLSearchParams): readonly string[] {
  const wanted = (query.get('ordering') ?? '').split(',').flatMap((term) => {
    const name = term.trim().replace(/^-/, '');
    const place = model.fields[name]?.place;
    const column =
      name === 'pk'
        ? model.key
        : place?.at === 'column'
          ? place.column
          : model.sortable?.find((other) => other === name);
    return column === undefined ? [] : [term.trim().startsWith('-') ? `-${column}` : column];
  });
  return [...(wanted.length > 0 ? wanted : model.order), model.key];
}
