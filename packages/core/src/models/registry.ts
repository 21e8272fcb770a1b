// All models of the core, by their names.
import type { ModelId } from './field.ts';
import type { Model } from './model.ts';

export interface Registry {
  readonly all: readonly Model[];
  /** Case of the model part does not matter (core.md §20.4). */
  get(id: string): Model | undefined;
  /** The model of a row in a table that several kinds share. */
  ofKind(table: string, kind: string): Model | undefined;
}

export function createRegistry(models: readonly Model[]): Registry {
  const byId = new Map<string, Model>(models.map((model) => [model.id satisfies ModelId, model]));
  const byKind = new Map(models.map((model) => [`${model.table} ${model.kind ?? ''}`, model]));
  return {
    all: models,
    get: (id) => byId.get(id.toLowerCase()),
    ofKind: (table, kind) => byKind.get(`${table} ${kind}`),
  };
}
