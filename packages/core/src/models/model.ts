// A model: one kind of object that administrators see, with everything the REST API, blueprints and audit need to know
// about it. Rooms declare their models; registry.ts collects them.
import type { RawBuilder } from 'kysely';
import type { z } from 'zod';
import type { CoreDeps } from '../deps.ts';
import type { Field, ModelId } from './field.ts';
import type { Unit } from './unit.ts';

export type Row = Readonly<Record<string, unknown>>;
export type Values = Record<string, unknown>;

/** Turns the values of one query parameter into a condition; throws InvalidInput for impossible ones. */
export type Filter = (values: readonly string[], query: URLSearchParams) => RawBuilder<boolean>;

/** A search looks at so many rows, the newest, or the newest before a moment that is asked for (`search_before`). */
export interface SearchLimit {
  readonly most: number;
  /** Column of a moment, with an index. */
  readonly by: string;
}

export interface Model {
  readonly id: ModelId;
  /** How messages call it, without its blanks where it is not found: "No Flow matches the given query." */
  readonly noun: string;
  readonly nouns: string;
  readonly table: string;
  /** Value of the table's `kind` column, where several models share it. */
  readonly kind?: string;
  readonly key: string;
  readonly keyType: 'uuid' | 'integer';
  /** Below `/api/v3`, with both slashes. Absent: blueprints only. */
  readonly path?: string;
  /** What can be asked of the path; everything unless given. */
  readonly verbs?: readonly Verb[];
  /** Code names of rights beyond add, change, delete and view. */
  readonly permissions?: readonly string[];
  /** Kept by the core for itself: not writable by blueprints, not audited (core.md §2, "Internally managed"). */
  readonly internal?: boolean;
  /** Names of fields in blueprints of the past, and what they are now (core.md §24, quirk 1). */
  readonly formerNames?: Readonly<Record<string, string>>;
  /** Column that addresses one object in the URL; the key unless given. */
  readonly lookup?: string;
  readonly fields: Readonly<Record<string, Field>>;
  readonly search?: readonly string[];
  /** Where a table may grow without end: what a search looks at; all unless given. */
  readonly searchLimit?: SearchLimit;
  /** Rows that lists show; all unless given. */
  readonly listed?: RawBuilder<boolean>;
  /** SQL ordering of lists; columns, `-` first for descending. */
  readonly order: readonly string[];
  /** Columns beyond the fields that lists may be ordered by. */
  readonly sortable?: readonly string[];
  readonly filters?: Readonly<Record<string, Filter>>;
  /** One sentence for lists of kinds. */
  readonly about?: string;
  /** Name of the editor element in administrators' pages. */
  readonly component?: string;
  /** Column that holds the key of the user who owns a row: owners see and change their own. */
  readonly owner?: string;
  /** Column that policy bindings name, where it is not the key. */
  readonly bindingKey?: string;
  /** Shapes of what `derive` or `represent` shows beside the fields or instead of them; keys that may be absent are optional. */
  readonly derived?: Readonly<Record<string, z.ZodType>>;
  /** Fields beyond the declared ones, for each row, in order. Must cost a fixed number of queries. */
  readonly derive?: (deps: CoreDeps, rows: readonly Row[], query: URLSearchParams) => Promise<readonly Row[]>;
  /** Replaces the whole representation where the generic one is too slow or too plain. */
  readonly represent?: (deps: CoreDeps, rows: readonly Row[], query: URLSearchParams) => Promise<readonly Row[]>;
  /** Checks that concern several fields, and conversions (a password to its hash). Throws InvalidInput. */
  readonly prepare?: (
    unit: Unit,
    values: Values,
    existing: Row | undefined,
    source: 'api' | 'blueprint',
  ) => Promise<Values>;
  /** What else must be stored with it, in the same transaction. `values`: what was given, checked. */
  readonly saved?: (unit: Unit, row: Row, values: Values, created: boolean) => Promise<void>;
  /** What must go or end with it, in the same transaction. */
  readonly deleting?: (unit: Unit, row: Row) => Promise<void>;
}

export type Verb = 'list' | 'create' | 'retrieve' | 'update' | 'delete';

/** A model whose field names the compiler keeps, so that tests can compare them with the vendor's types. */
export function defineModel<const Fields extends Readonly<Record<string, Field>>>(
  model: Omit<Model, 'fields'> & { readonly fields: Fields },
): Omit<Model, 'fields'> & { readonly fields: Fields } {
  return model;
}

export const appLabel = ({ id }: Pick<Model, 'id'>): string => id.split('.')[0] ?? '';
export const modelName = ({ id }: Pick<Model, 'id'>): string => id.split('.')[1] ?? '';

export type Action = 'view' | 'add' | 'change' | 'delete';

/** `authentik_core.view_user`. */
export function permissionName(model: Model, action: Action): string {
  return `${appLabel(model)}.${action}_${modelName(model)}`;
}

/** `Welcome flow` of a row, for lists of what uses what and for the audit. */
export function titleOf(row: Row): string {
  return String(
    row['name'] ?? row['username'] ?? row['identifier'] ?? row['slug'] ?? row['domain'] ?? row['uuid'] ?? '',
  );
}
