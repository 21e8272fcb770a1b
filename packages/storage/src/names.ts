// File names and field values (files.md §6). A `FileName` is made here only; backends accept nothing else.
import { storageError } from './errors.ts';
import { themePlaceholder } from './themes.ts';

declare const brand: unique symbol;
/** A relative name that passed files.md §6.1: safe as a path below a folder and as an object key. */
export type FileName = string & { readonly [brand]: 'FileName' };

const maxPathCharacters = 1024;
const maxSegmentCharacters = 255;
const maxExternalUrlCharacters = 2048;

/**
 * Checks a name by files.md §6.1 with the tightening of its table (newline, `dir/`, `./a`, hidden segments).
 * @throws GatewayError `ERR_STORAGE_INVALID_NAME`, saying which rule failed
 */
export function parseFileName(text: string): FileName {
  const problem = nameProblem(text);
  if (problem !== undefined) throw invalidName(text, problem);
  return text as FileName;
}

/** As parseFileName, but `undefined` for a bad name: for names found in a store, which may be anything. */
export function asFileName(text: string): FileName | undefined {
  return nameProblem(text) === undefined ? (text as FileName) : undefined;
}

/**
 * Checks what an object's file field may hold (files.md §6.2): an http(s) URL, `/static/…`, `fa://…`, or a file name.
 * @throws GatewayError `ERR_STORAGE_INVALID_NAME`
 */
export function parseFieldValue(text: string): string {
  if (isStaticPath(text) || isIconClass(text) || isExternalUrl(text)) return text;
  return parseFileName(text);
}

/** `/static/…` without dot segments, backslashes or control characters. */
export function isStaticPath(text: string): boolean {
  return /^\/static\/[^\\\p{Cc}]+$/u.test(text) && !text.split('/').some((part) => part === '..' || part === '.');
}

/** `fa://` and icon classes for the front end. */
export function isIconClass(text: string): boolean {
  return /^fa:\/\/[a-z0-9 -]+$/.test(text) && !text.includes('\n');
}

/** A well-formed http or https URL with a host, without credentials, of at most 2048 characters. */
export function isExternalUrl(text: string): boolean {
  if (text.length > maxExternalUrlCharacters || !/^https?:\/\/[^\s\\]+$/i.test(text)) return false;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && url.hostname !== '' && url.username === '' && url.password === '';
}

function nameProblem(text: string): string | undefined {
  if (text === '') return 'it is empty';
  const plain = text.replaceAll(themePlaceholder, 'theme');
  if (!/^[a-zA-Z0-9._/-]+$/.test(plain) || plain.includes('\n')) {
    return 'only letters, digits and . _ / - are allowed (and the placeholder %(theme)s)';
  }
  if (text.startsWith('/')) return 'it is absolute';
  if (text.includes('//')) return 'it has an empty segment';
  if (text.endsWith('/')) return 'it ends in a slash';
  const segments = text.split('/');
  if (segments.some((segment) => segment.startsWith('.'))) return 'a segment starts with a dot';
  if (text.length > maxPathCharacters) return `it is longer than ${maxPathCharacters} characters`;
  if (segments.some((segment) => segment.length > maxSegmentCharacters)) {
    return `a segment is longer than ${maxSegmentCharacters} characters`;
  }
  return undefined;
}

function invalidName(text: string, problem: string) {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
  return storageError(
    'ERR_STORAGE_INVALID_NAME',
    `File name ${shown} is not usable: ${problem}.`,
    'Choose another name.',
  );
}
