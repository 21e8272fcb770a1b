// How rows of any model are shown: the declared fields, then what the model derives.
import type { CoreDeps } from '../deps.ts';
import { appLabel, type Model, modelName, type Row } from './model.ts';
import { keyOf, relatedKeys } from './store.ts';

export async function represent(
  deps: CoreDeps,
  model: Model,
  rows: readonly Row[],
  query: URLSearchParams,
): Promise<readonly Row[]> {
  if (model.represent !== undefined) return model.represent(deps, rows, query);
  const related = new Map<string, ReadonlyMap<unknown, (string | number)[]>>();
  for (const [name, field] of Object.entries(model.fields))
    if (field.place.at === 'relation') related.set(name, await relatedKeys(deps.database.kysely, model, field, rows));
  const derived = (await model.derive?.(deps, rows, query)) ?? [];
  return rows.map((row, at) => ({
    pk: keyOf(model, row),
    ...Object.fromEntries(
      Object.entries(model.fields)
        .filter(([, { hidden }]) => hidden !== true)
        .map(([name]) => [name, related.get(name)?.get(row[model.key]) ?? fieldValue(model, row, name)]),
    ),
    ...(model.component === undefined ? {} : kindFields(model)),
    ...derived[at],
  }));
}

/** Value of a declared field of a stored row; relations are empty here. */
export function fieldValue(model: Model, row: Row, name: string): unknown {
  const field = model.fields[name];
  if (field === undefined) return undefined;
  if (field.place.at === 'relation') return [];
  if (field.place.at === 'elsewhere') return undefined;
  if (field.place.at === 'column') return wire(row[field.place.column]);
  const settings = row['settings'];
  const value: unknown = typeof settings === 'object' && settings !== null ? Reflect.get(settings, name) : undefined;
  return value === undefined ? field.initial?.() : value;
}

/** What tells kinds apart in lists of several (core.md §2, "Inheritance"). */
export function kindFields(model: Model) {
  return {
    component: model.component ?? '',
    verbose_name: model.noun,
    verbose_name_plural: model.nouns,
    meta_model_name: `${appLabel(model)}.${modelName(model)}`,
  };
}

const wire = (value: unknown): unknown => (value instanceof Date ? value.toISOString() : value);
