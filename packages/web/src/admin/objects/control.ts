// From a field of the OpenAPI document to the control that asks for it, and between its value and the text in the control.
import type { Property } from './models.ts';

export type Control =
  | { readonly kind: 'switch' | 'integer' | 'line' | 'lines' | 'file' | 'json' | 'secret' | 'redirects' }
  | { readonly kind: 'choice' | 'choices'; readonly values: readonly string[]; readonly optional: boolean }
  /** `many`: any number of rows, in the order in which they were chosen. */
  | { readonly kind: 'rows'; readonly path: string; readonly many: boolean };

/** Texts of several lines: code, keys, styles. */
const long = new Set([
  'branding_custom_css',
  'certificate_data',
  'content',
  'expression',
  'key_data',
  'skip_path_regex',
  'static_settings',
  'client_networks',
]);

export function controlOf(name: string, property: Property): Control {
  const path = property['x-reference'];
  if (path !== undefined) return { kind: 'rows', path, many: property.type === 'array' };
  if (property['x-file'] === true) return { kind: 'file' };
  if (name === 'redirect_uris') return { kind: 'redirects' };
  const plain = property.type === undefined ? firstOf(property) : property;
  if (plain.type === 'boolean') return { kind: 'switch' };
  if (plain.enum !== undefined && plain.enum.length > 1)
    return { kind: 'choice', values: plain.enum.map(String), optional: plain.nullable === true };
  if (plain.type === 'integer' || plain.type === 'number') return { kind: 'integer' };
  if (plain.type === 'array' && plain.items?.enum !== undefined)
    return { kind: 'choices', values: plain.items.enum.map(String), optional: true };
  if (plain.type !== 'string') return { kind: 'json' };
  if (long.has(name)) return { kind: 'lines' };
  return { kind: property.writeOnly === true ? 'secret' : 'line' };
}

/** Of several forms, the one that takes most. */
function firstOf({ anyOf = [] }: Property): Property {
  return anyOf.find((one) => one.enum === undefined || one.enum.length > 1) ?? anyOf[0] ?? {};
}

/** What the control shows for a value. */
export function textOf(control: Control, value: unknown): string {
  if (control.kind === 'json') return JSON.stringify(value ?? null, null, 2);
  if (control.kind === 'redirects') return redirectsText(value);
  return value === null || value === undefined ? '' : String(value);
}

/** The value behind the text in a control. @throws Error in words for the field */
export function readText(control: Control, text: string, { nullable }: Property): unknown {
  switch (control.kind) {
    case 'integer':
      return readInteger(text, nullable === true);
    case 'json':
      return readJson(text);
    case 'redirects':
      return readRedirects(text);
    default:
      return text === '' && nullable === true ? null : text;
  }
}

function readInteger(text: string, nullable: boolean): number | null {
  if (text.trim() === '' && nullable) return null;
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value)) throw new Error('Enter a whole number.');
  return value;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Enter valid JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** One redirect URI a line; what is not a plain login address says so in front of it. */
function redirectsText(value: unknown): string {
  const rows: readonly unknown[] = Array.isArray(value) ? value : [];
  return rows
    .map((row) => {
      const { matching_mode: mode, url, redirect_uri_type: type } = Object(row);
      return [...(type === 'logout' ? ['logout'] : []), ...(mode === 'regex' ? ['regex'] : []), String(url)].join(' ');
    })
    .join('\n');
}

function readRedirects(text: string) {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const words = line.split(/\s+/);
      const marks = new Set(words.slice(0, -1));
      for (const mark of marks)
        if (mark !== 'logout' && mark !== 'regex') throw new Error(`"${mark}" is neither "logout" nor "regex".`);
      return {
        matching_mode: marks.has('regex') ? 'regex' : 'strict',
        redirect_uri_type: marks.has('logout') ? 'logout' : 'authorization',
        url: words.at(-1),
      };
    });
}
