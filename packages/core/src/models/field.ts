// Fields of a model: what may be written, where it is kept, and how it is shown (core.md §21.1, "one declarative registry").
// Used by the REST API and by blueprints alike.
import { parseFieldValue } from '@gatehouse/storage';
import { z } from 'zod';
import { parseDuration } from './duration.ts';

export type ModelId = `authentik_${string}.${string}`;

/** A value of the row itself. */
export interface ColumnField {
  readonly at: 'column';
  readonly column: string;
  readonly json: boolean;
}
/** A value in the row's `settings` object: kinds that share a table differ in these. */
export interface SettingField {
  readonly at: 'setting';
}
/** Many-to-many: keys of other rows, in a table of pairs. */
export interface RelationField {
  readonly at: 'relation';
  readonly table: string;
  readonly own: string;
  readonly other: string;
}

/** Not of the row: the model's `saved` stores it (rights that blueprints give). */
export interface ElsewhereField {
  readonly at: 'elsewhere';
}

export interface Field {
  readonly place: ColumnField | SettingField | RelationField | ElsewhereField;
  readonly schema: z.ZodType;
  /** What a new row gets when nothing is given; a function for values drawn anew. Absent: the field is required. */
  readonly initial?: () => unknown;
  /** Whether `initial` draws a new value each time. */
  readonly drawn?: boolean;
  /** Table whose rows the value names, checked before writing. */
  readonly references?: { readonly table: string; readonly key: string };
  /** Never part of what is shown (passwords, keys). */
  readonly hidden?: boolean;
  readonly readOnly?: boolean;
  /** Stays what it was made with: a replacement may leave it out. */
  readonly fixed?: boolean;
  /** Writable by blueprints only (core.md §20.4). */
  readonly blueprintOnly?: boolean;
  /** The value names a stored file (files.md §9); used-by reports and orphans look at these. */
  readonly holdsFile?: boolean;
}

interface Options {
  readonly column?: string;
  readonly initial?: unknown;
  readonly draw?: () => unknown;
  readonly hidden?: boolean;
  readonly readOnly?: boolean;
  readonly blueprintOnly?: boolean;
}

const field = (place: Field['place'], schema: z.ZodType, options: Options, references?: Field['references']): Field => {
  const { initial, draw } = options;
  return {
    place,
    schema,
    ...(draw !== undefined ? { initial: draw, drawn: true } : 'initial' in options ? { initial: () => initial } : {}),
    ...(references === undefined ? {} : { references }),
    ...(options.hidden === true ? { hidden: true } : {}),
    ...(options.readOnly === true ? { readOnly: true } : {}),
    ...(options.blueprintOnly === true ? { blueprintOnly: true } : {}),
  };
};

/** A column; of the field's name unless `column` says otherwise. */
export function column(name: string, schema: z.ZodType, options: Options = {}): Field {
  return field({ at: 'column', column: options.column ?? name, json: false }, schema, options);
}

/** A column of free JSON objects. */
export function jsonColumn(name: string, options: Options = { initial: {} }): Field {
  return field({ at: 'column', column: options.column ?? name, json: true }, object, options);
}

export function setting(schema: z.ZodType, options: Options = {}): Field {
  return field({ at: 'setting' }, schema, options);
}

/** A field that names a stored file, a packaged image, a URL or an icon class (files.md §6.2); empty only if it is so at first. */
export function fileField(inner: Field): Field {
  const mayBeEmpty = inner.initial?.() === '';
  const value = z
    .string()
    .transform((text) => text.trim())
    .superRefine((text, context) => {
      if (text === '' && mayBeEmpty) return;
      const problem = text === '' ? 'This field may not be blank.' : fileProblem(text);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    });
  return { ...inner, schema: value, holdsFile: true };
}

function fileProblem(text: string): string | undefined {
  try {
    parseFieldValue(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A value that the model's `saved` stores somewhere else, given by blueprints only and never shown. */
export function elsewhere(schema: z.ZodType): Field {
  return field({ at: 'elsewhere' }, schema, { hidden: true, blueprintOnly: true });
}

/** Keys of rows of another table, in the row's settings. */
export function settingReferences(target: { readonly table: string; readonly key: string }): Field {
  const key = target.key === 'id' ? z.coerce.number().int() : z.string();
  return field({ at: 'setting' }, z.array(key), { initial: [] }, target);
}

interface ReferenceOptions extends Options {
  readonly table: string;
  readonly key: string;
  readonly in: 'column' | 'setting';
  readonly name: string;
  readonly required?: boolean;
}

/** The key of another row. Null is allowed unless `required`. */
export function reference(options: ReferenceOptions): Field {
  const key = options.key === 'id' ? z.coerce.number().int() : z.string();
  const place: Field['place'] =
    options.in === 'column' ? { at: 'column', column: options.column ?? options.name, json: false } : { at: 'setting' };
  return field(
    place,
    options.required === true ? key : key.nullable(),
    options.required === true ? options : { initial: null, ...options },
    { table: options.table, key: options.key },
  );
}

/** Keys of many rows, through a table of pairs. */
export function relation(
  pairs: { readonly table: string; readonly own: string; readonly other: string },
  target: { readonly table: string; readonly key: string },
): Field {
  const key = target.key === 'id' ? z.coerce.number().int() : z.string();
  return field({ at: 'relation', ...pairs }, z.array(key), { initial: [] }, target);
}

// Schemas that many fields share.

export const object = z.record(z.string(), z.unknown());
export const text = z.string();
export const line = z.string().min(1);
export const flag = z.boolean();
export const integer = z.number().int();
export const choice = (...values: [string, ...string[]]) => z.enum(values);
export const slug = z.string().regex(/^[-a-zA-Z0-9_]+$/, {
  error: 'Enter a valid “slug” consisting of letters, numbers, underscores or hyphens.',
});
export const engineMode = choice('all', 'any');

export const duration = z.string().refine((value) => parseDuration(value) !== undefined, {
  error: 'Not in the correct format of hours=3;minutes=1.',
});
