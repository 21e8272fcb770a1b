// Which objects show which stored file (files.md §8.3, §9): every field that the models mark as holding a file, and style
// sheets that name one. No list of models here: a new model with such a field is found by itself.
import { sql } from 'kysely';
import type { CoreDeps } from '../deps.ts';
import type { Model, Row } from '../models/model.ts';
import { fieldValue } from '../models/represent.ts';
import { findRows, keyOf } from '../models/store.ts';

export interface FileOwner {
  readonly model: Model;
  readonly row: Row;
  readonly key: string | number;
  /** What people know the object by. */
  readonly title: string;
  readonly field: string;
}

export interface FileReference {
  readonly value: string;
  readonly owner: FileOwner;
}

/** Every non-empty file field of every object; one query per model. */
export async function fileReferences(deps: CoreDeps): Promise<FileReference[]> {
  const found = await Promise.all(deps.registry.all.map((model) => referencesOf(deps, model)));
  return found.flat();
}

async function referencesOf(deps: CoreDeps, model: Model): Promise<FileReference[]> {
  const names = Object.entries(model.fields).flatMap(([name, { holdsFile }]) => (holdsFile === true ? [name] : []));
  if (names.length === 0) return [];
  const where = model.kind === undefined ? [] : [sql<boolean>`kind = ${model.kind}`];
  const rows = await findRows(deps.database.kysely, model, { where });
  return rows.flatMap((row) =>
    names.flatMap((field) => {
      const value = fieldValue(model, row, field);
      if (typeof value !== 'string' || value === '') return [];
      return [{ value, owner: { model, row, key: keyOf(model, row), title: titleOf(row), field } }];
    }),
  );
}

/** Texts of administrators that may name files in links: style sheets of brands. */
export async function fileMentions({ database }: CoreDeps): Promise<string> {
  const brands = await database.kysely.selectFrom('brands').select('settings').execute();
  return brands
    .map(({ settings }) => {
      const css: unknown =
        typeof settings === 'object' && settings !== null && Reflect.get(settings, 'branding_custom_css');
      return typeof css === 'string' ? css : '';
    })
    .join('\n');
}

function titleOf(row: Row): string {
  const title = row['name'] ?? row['domain'] ?? row['slug'] ?? '';
  return typeof title === 'string' ? title : '';
}
