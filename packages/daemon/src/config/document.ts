// Files of rules beside the settings, in YAML or JSON: read whole, with the place of everything that is wrong. The one file of
// this package that imports yaml.
import { parse, YAMLParseError } from 'yaml';

export const parseYaml: (text: string) => unknown = parse;

/** What a schema of zod does. */
export interface Schema<T> {
  safeParse(
    given: unknown,
  ):
    | { readonly success: true; readonly data: T }
    | { readonly success: false; readonly error: { readonly issues: readonly Issue[] } };
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

export type Document<T> = { readonly data: T } | { readonly problems: readonly string[] };

/** An empty text is an empty document. @returns every problem with its place, such as `views[0].groups`, instead of data */
export function readDocument<T>(text: string, schema: Schema<T>): Document<T> {
  let given: unknown;
  try {
    given = parseYaml(text) ?? {};
  } catch (error) {
    if (error instanceof YAMLParseError) return { problems: [error.message] };
    throw error;
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return { data: parsed.data };
  return { problems: parsed.error.issues.map(({ path, message }) => `${placeOf(path)} ${message}`) };
}

function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
}
