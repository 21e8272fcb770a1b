// Checks given values field by field and collects every message (core.md §10.1, §10.4). Unknown and read-only fields are
// ignored.
import type { z } from 'zod';
import type { Field } from './field.ts';
import { InvalidInput, message } from './invalid.ts';
import type { Model, Values } from './model.ts';
import { storableProblem } from './storable.ts';

/** The values to store: of what was given, and for a new row of every field. @throws InvalidInput */
export function validate(model: Model, input: Values, source: 'api' | 'blueprint', partial: boolean): Values {
  const values: Values = {};
  const errors: Record<string, string[]> = {};
  for (const [name, field] of Object.entries(model.fields)) {
    const writable = field.readOnly !== true && (field.blueprintOnly !== true || source === 'blueprint');
    const given = writable ? input[name] : undefined;
    if (given === undefined) {
      if (!partial) fillInitial(name, field, values, errors);
      continue;
    }
    const { success, data, error } = field.schema.safeParse(given);
    const problem = success ? unstorable(field, data) : undefined;
    if (!success) errors[name] = messagesOf(error, given);
    else if (problem !== undefined) errors[name] = [problem];
    else values[name] = data;
  }
  if (Object.keys(errors).length > 0) throw new InvalidInput(errors);
  return values;
}

const largestInteger = 2 ** 31 - 1;

/** What no column takes, though the field's own check does. */
function unstorable({ place }: Field, value: unknown): string | undefined {
  if (place.at !== 'setting' && typeof value === 'number' && Math.abs(value) > largestInteger)
    return `Ensure this value is between -${largestInteger} and ${largestInteger}.`;
  return storableProblem(value);
}

/** A replacement names every field that has no value of its own. @throws InvalidInput */
export function requireAll(model: Model, input: Values): void {
  const missing = Object.entries(model.fields).filter(
    ([name, { initial, readOnly, fixed, blueprintOnly, hidden }]) =>
      initial === undefined &&
      fixed !== true &&
      readOnly !== true &&
      blueprintOnly !== true &&
      hidden !== true &&
      input[name] === undefined,
  );
  if (missing.length > 0)
    throw new InvalidInput(Object.fromEntries(missing.map(([name]) => [name, [message.required]])));
}

function fillInitial(name: string, field: Field, values: Values, errors: Record<string, string[]>): void {
  if (field.initial !== undefined) values[name] = field.initial();
  else if (field.readOnly !== true && field.blueprintOnly !== true) errors[name] = [message.required];
}

/** Messages of an object's fields by their names; deeper ones under the field they belong to. */
export function messagesByField(error: z.ZodError, given: unknown): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const issue of error.issues) {
    const [field = 'non_field_errors'] = issue.path.map(String);
    const texts = messagesOf(
      { issues: [{ ...issue, path: issue.path.slice(1) }] },
      valueAt(given, issue.path.slice(0, 1)),
    );
    found[field] = [...(found[field] ?? []), ...texts];
  }
  return found;
}

function messagesOf(error: Pick<z.ZodError, 'issues'>, given: unknown): string[] {
  return error.issues.map((issue) => {
    if (given === null) return message.null;
    if (issue.code === 'too_small' && issue.origin === 'string' && given === '') return message.blank;
    if (issue.code === 'invalid_value')
      return message.choice(issue.path.length === 0 ? given : valueAt(given, issue.path));
    return issue.message;
  });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, step) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, step) : undefined),
    value,
  );
}
