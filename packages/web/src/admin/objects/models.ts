// What can be made and changed, as the core's OpenAPI document says it: one entry for each model, with the fields that may
// be written. Forms are drawn from this, so that a model of the core needs no page of its own here.
import type { Api } from '../../call/api.ts';

export interface Property {
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Property[];
  readonly items?: Property;
  readonly default?: unknown;
  /** Never shown again once it is stored. */
  readonly writeOnly?: boolean;
  /** List of the rows that the value names. */
  readonly 'x-reference'?: string;
  /** The value names a stored file. */
  readonly 'x-file'?: boolean;
}

export interface ObjectModel {
  /** `authentik_flows.flow`. */
  readonly id: string;
  readonly noun: string;
  /** Of its list, below `/api/v3`. */
  readonly path: string;
  /** Field that addresses one object; its key unless given. */
  readonly lookup?: string;
  /** List that it shares with other kinds. */
  readonly family?: string;
  readonly about?: string;
  readonly properties: Readonly<Record<string, Property>>;
  readonly required: readonly string[];
}

export type Row = Readonly<Record<string, unknown>>;

interface RequestSchema {
  readonly properties: ObjectModel['properties'];
  readonly required?: readonly string[];
  readonly 'x-model'?: Omit<ObjectModel, 'properties' | 'required'>;
}

interface OpenApiDocument {
  readonly components: { readonly schemas: Readonly<Record<string, RequestSchema>> };
}

const read = new WeakMap<Api, Promise<readonly ObjectModel[]>>();

/** Read once for a page. */
export function objectModels(api: Api): Promise<readonly ObjectModel[]> {
  const known = read.get(api);
  if (known !== undefined) return known;
  const reading = api.get<OpenApiDocument>('/schema/').then(modelsOf);
  read.set(api, reading);
  reading.catch(() => read.delete(api));
  return reading;
}

export function modelsOf({ components: { schemas } }: OpenApiDocument): readonly ObjectModel[] {
  return Object.entries(schemas).flatMap(([name, { 'x-model': model, properties, required = [] }]) =>
    model?.path === undefined || name.startsWith('Patched') ? [] : [{ ...model, properties, required }],
  );
}

/** The kinds that a list can hold: one, or those of a family. */
export function kindsOf(models: readonly ObjectModel[], path: string): readonly ObjectModel[] {
  const family = models.filter((model) => model.family === path);
  return family.length > 0 ? family : models.filter((model) => model.path === path);
}

/** What addresses a row in URLs. */
export function keyOf({ lookup }: Pick<ObjectModel, 'lookup'>, row: Row): string {
  return encodeURIComponent(String(row[lookup ?? 'pk'] ?? row['pk']));
}

/** The name by which people know a row. */
export function titleOf(row: Row): string {
  const names = ['username', 'name', 'identifier', 'domain', 'slug', 'description', 'pk'];
  return String(names.map((name) => row[name]).find((value) => value !== undefined && value !== '') ?? '');
}
