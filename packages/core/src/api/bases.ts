// Lists over all kinds that share a table (core.md §2, "Inheritance"; §10.1): `/providers/all/` and the like, with the
// fields that every kind has, and `types/`, which names the kinds.

import { z } from 'zod';
import type { CoreDeps } from '../deps.ts';
import { column, line, type ModelId } from '../models/field.ts';
import { exactly } from '../models/filters.ts';
import { type Filter, type Model, modelName, type Row } from '../models/model.ts';
import { represent } from '../models/represent.ts';
import { kindShape } from '../models/shapes.ts';
import { deleteRow } from '../models/store.ts';
import { inUnit } from '../models/unit.ts';
import { kindToMakeShape } from './answers.ts';
import { registerModelRoutes } from './crud.ts';
import { authorOf, requirePrincipal } from './request.ts';
import type { Api } from './server.ts';
import { rowOf } from './visibility.ts';

export interface Base {
  readonly id: ModelId;
  readonly noun: string;
  /** Below `/api/v3`: `/providers/all/`. */
  readonly path: string;
  readonly table: string;
  readonly key: string;
  readonly keyType: Model['keyType'];
  /** Names of the fields that all kinds show. */
  readonly shows: readonly string[];
  readonly filters?: Readonly<Record<string, Filter>>;
}

const kindFields = ['component', 'verbose_name', 'verbose_name_plural', 'meta_model_name'];

export function registerBaseRoutes(api: Api, deps: CoreDeps, base: Base): void {
  const model = modelOf(base);
  api.get(
    `/api/v3${base.path}types/`,
    { config: { operation: { summary: `Kinds of ${base.noun}`, answer: z.array(kindToMakeShape) } } },
    (request) => {
      requirePrincipal(request);
      return typesOf(deps, base.table);
    },
  );
  registerModelRoutes(api, deps, model, { without: ['create', 'update', 'delete'] });
  api.delete(
    `/api/v3${base.path}:key/`,
    { config: { operation: { model, verb: 'delete' } } },
    async (request, reply) => {
      const row = await rowOf(deps, model, request, 'delete');
      const kind = deps.registry.ofKind(base.table, String(row['kind'])) ?? model;
      await inUnit(deps, authorOf(request), (unit) => deleteRow(unit, kind, row));
      return reply.code(204).send();
    },
  );
}

function modelOf(base: Base): Model {
  const { id, noun, path, table, key, keyType, filters } = base;
  return {
    id,
    noun,
    nouns: `${noun}s`,
    path,
    table,
    key,
    keyType,
    fields: { name: column('name', line) },
    search: ['name'],
    order: ['name'],
    filters: { name: exactly('name'), ...filters },
    derived: { ...Object.fromEntries(base.shows.map((key) => [key, z.unknown()])), ...kindShape },
    represent: (deps, rows, query) => representKinds(deps, base, rows, query),
  };
}

/** Each row by its own kind, cut down to what all kinds have. One set of queries a kind. */
async function representKinds(deps: CoreDeps, base: Base, rows: readonly Row[], query: URLSearchParams) {
  const shown = new Map<unknown, Row>();
  for (const kind of new Set(rows.map((row) => row['kind']))) {
    const model = deps.registry.ofKind(base.table, String(kind));
    if (model === undefined) continue;
    const own = rows.filter((row) => row['kind'] === kind);
    const views = await represent(deps, model, own, query);
    for (const [at, row] of own.entries()) shown.set(row[base.key], views[at] ?? {});
  }
  const names = ['pk', ...base.shows, ...kindFields];
  return rows.map((row) => {
    const view = shown.get(row[base.key]) ?? { pk: row[base.key], name: row['name'] };
    return Object.fromEntries(names.filter((name) => name in view).map((name) => [name, view[name]]));
  });
}

function typesOf({ registry }: CoreDeps, table: string) {
  return registry.all
    .filter((model) => model.table === table && model.kind !== undefined)
    .map((model) => ({
      name: model.noun,
      description: model.about ?? '',
      component: model.component ?? '',
      model_name: modelName(model),
      requires_enterprise: false,
      deprecated: false,
    }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}
