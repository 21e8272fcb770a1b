// The kinds of settings (STYLE 32). Each knows how to read text and YAML values, and says what is wrong in the grammar
// "must be …"; the loader adds which key, which value and where it came from.
import { Secret } from './secret.ts';

/** One address to listen on. An IPv6 host is kept without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Option<T> {
  readonly kind: 'option';
  readonly typeName: string;
  readonly doc: string;
  readonly hint: string | undefined;
  readonly env: string | undefined;
  readonly unit: string | undefined;
  readonly required: boolean;
  readonly isSecret: boolean;
  readonly isList: boolean;
  readonly fallback: T | undefined;
  /** Reads what a file holds (any YAML value) or a text; returns the value or what it must be. */
  read(value: unknown): Reading<T>;
}

export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly must: string };

export interface Given<T> {
  readonly doc: string;
  readonly hint?: string;
  /** Environment name, where it is not the one derived from the path. */
  readonly env?: string;
  readonly unit?: string;
  readonly default?: T;
  readonly required?: boolean;
}

/** The value's type: certain when required or defaulted, else possibly absent. */
export type ValueOf<T, G> = G extends { readonly default: T } | { readonly required: true } ? T : T | undefined;

type Range = { readonly min?: number; readonly max?: number };

export function text<const G extends Given<string>>(given: G): Option<ValueOf<string, G>> {
  return option('text', given, (value) => (isScalar(value) ? good(String(value)) : bad('a text')));
}

export function secret<const G extends Given<Secret>>(given: G): Option<ValueOf<Secret, G>> {
  const read = (value: unknown): Reading<Secret> =>
    isScalar(value) && value !== '' ? good(new Secret(String(value))) : bad('a non-empty text');
  return { ...option('secret', given, read), isSecret: true };
}

export function integer<const G extends Given<number> & Range>(given: G): Option<ValueOf<number, G>> {
  return option('integer', given, (value) => {
    const number = isScalar(value) && /^-?\d+$/.test(String(value).trim()) ? Number(value) : Number.NaN;
    return inRange(number, given, 'an integer');
  });
}

export function number<const G extends Given<number> & Range>(given: G): Option<ValueOf<number, G>> {
  return option('number', given, (value) =>
    inRange(isScalar(value) && value !== '' ? Number(value) : Number.NaN, given, 'a number'),
  );
}

export function boolean<const G extends Given<boolean>>(given: G): Option<ValueOf<boolean, G>> {
  return option('boolean', given, (value) => {
    if (typeof value === 'boolean') return good(value);
    if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(String(value))) return good(true);
    if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(String(value))) return good(false);
    return bad('true or false');
  });
}

/** Go's duration syntax (`300ms`, `1h30m`) or a plain number of seconds; the value, like `max`, is in milliseconds. */
export function duration<const G extends Given<number> & { readonly max?: number }>(
  given: G,
): Option<ValueOf<number, G>> {
  const { max = Number.POSITIVE_INFINITY } = given;
  const wanted = given.max === undefined ? '' : `, at most ${max / 1000}s`;
  return option('duration', { unit: 'ms', ...given }, (value) => {
    const parsed = isScalar(value) ? parseDuration(String(value)) : undefined;
    return parsed === undefined || parsed > max ? bad(`a duration such as 300ms, 5s or 1h30m${wanted}`) : good(parsed);
  });
}

export function choice<const C extends string, const G extends Given<C>>(
  choices: readonly C[],
  given: G,
): Option<ValueOf<C, G>> {
  return option(choices.join(' | '), given, (value) => {
    const found = choices.find((one) => one === String(value).toLowerCase());
    return found === undefined ? bad(`one of ${choices.join(', ')}`) : good(found);
  });
}

/** An absolute URL with one of the schemes (default http, https). */
export function url<const G extends Given<string> & { readonly schemes?: readonly string[] }>(
  given: G,
): Option<ValueOf<string, G>> {
  const schemes = given.schemes ?? ['http', 'https'];
  return option('URL', given, (value) => {
    const parsed = isScalar(value) && URL.canParse(String(value)) ? new URL(String(value)) : undefined;
    const fits = parsed !== undefined && schemes.includes(parsed.protocol.slice(0, -1));
    return fits ? good(String(value)) : bad(`a URL that starts with ${schemes.map((one) => `${one}://`).join(' or ')}`);
  });
}

/** A URL prefix, with a slash at both ends however it was written: `auth` is `/auth/`, nothing is `/`. */
export function pathPrefix<const G extends Given<string>>(given: G): Option<ValueOf<string, G>> {
  return option('URL prefix', given, (value) => {
    const prefix = isScalar(value) ? readPathPrefix(String(value)) : undefined;
    return prefix === undefined ? bad('a path of letters, digits and - . _ ~, such as /auth/') : good(prefix);
  });
}

/** @returns `undefined` for what is no prefix of a URL's path */
export function readPathPrefix(given: string): string | undefined {
  const segments = given
    .trim()
    .split('/')
    .filter((part) => part !== '');
  if (segments.some((part) => !/^[\w.~-]+$/.test(part) || /^\.{1,2}$/.test(part))) return undefined;
  return segments.length === 0 ? '/' : `/${segments.join('/')}/`;
}

export function textList<const G extends Given<readonly string[]>>(given: G): Option<ValueOf<readonly string[], G>> {
  return list('list of texts', given, (item) => good(item));
}

export function addressList<const G extends Given<readonly Address[]>>(
  given: G,
): Option<ValueOf<readonly Address[], G>> {
  return list('list of addresses', given, (item) => {
    const address = parseAddress(item);
    return address === undefined ? bad('address:port, several separated by commas; the port 0–65535') : good(address);
  });
}

export function cidrList<const G extends Given<readonly string[]>>(given: G): Option<ValueOf<readonly string[], G>> {
  return list('list of networks', given, (item) => {
    return /^[\da-f.:]+(?:\/\d{1,3})?$/i.test(item) ? good(item) : bad('address/prefix, several separated by commas');
  });
}

/** `host:port`, `[v6]:port` or `:port` (every address). */
export function parseAddress(item: string): Address | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(item.trim());
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  return { host: (match[1] ?? match[2]) || '::', port };
}

/** Text of an address, as it is written in settings and logs. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Milliseconds of a Go duration (`1h30m`), or of pairs as the core writes them (`hours=1;minutes=30`); or `undefined`. */
export function parseDuration(given: string): number | undefined {
  const input = given.trim();
  if (input.includes('=')) return parsePairs(input);
  if (/^\d+(?:\.\d+)?$/.test(input)) return Number(input) * 1000;
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(input)) return undefined;
  const units: Readonly<Record<string, number>> = {
    ns: 1e-6,
    us: 1e-3,
    µs: 1e-3,
    ms: 1,
    s: 1000,
    m: 60_000,
    h: 3_600_000,
  };
  return [...input.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ''] ?? 0),
    0,
  );
}

/** Files.md §7.2: floats allowed; a pair of an unknown unit is an error here rather than ignored. */
function parsePairs(input: string): number | undefined {
  const units: Readonly<Record<string, number>> = {
    weeks: 604_800_000,
    days: 86_400_000,
    hours: 3_600_000,
    minutes: 60_000,
    seconds: 1000,
    milliseconds: 1,
    microseconds: 1e-3,
  };
  let sum = 0;
  for (const pair of input.split(';')) {
    const [, name = '', amount = ''] = /^\s*([a-z]+)=(\d+(?:\.\d+)?)\s*$/.exec(pair) ?? [];
    const unit = Object.hasOwn(units, name) ? units[name] : undefined;
    if (unit === undefined) return undefined;
    sum += unit * Number(amount);
  }
  return sum;
}

function option<T, G extends Given<T>>(
  typeName: string,
  given: G,
  read: (value: unknown) => Reading<T>,
): Option<ValueOf<T, G>> {
  const built: Option<T> = {
    kind: 'option',
    typeName,
    doc: given.doc,
    hint: given.hint,
    env: given.env,
    unit: given.unit,
    required: given.required ?? false,
    isSecret: false,
    isList: false,
    fallback: given.default,
    read,
  };
  return built as Option<ValueOf<T, G>>; // brand-like narrowing: `ValueOf` only adds what `fallback` and `required` say
}

function list<T, G extends Given<readonly T[]>>(
  typeName: string,
  given: G,
  one: (item: string) => Reading<T>,
): Option<ValueOf<readonly T[], G>> {
  const built = option<readonly T[], G>(typeName, given, (value) => {
    const items = Array.isArray(value) ? value.map(String) : String(value).split(',');
    const values: T[] = [];
    for (const item of items.map((part) => part.trim()).filter((part) => part !== '')) {
      const reading = one(item);
      if (!reading.ok) return bad(`${reading.must} ("${item}" is not)`);
      values.push(reading.value);
    }
    return good(values);
  });
  return { ...built, isList: true };
}

function inRange(value: number, range: Range, what: string): Reading<number> {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = range;
  if (!Number.isNaN(value) && value >= min && value <= max) return good(value);
  const bounds = [
    range.min === undefined ? '' : ` of at least ${min}`,
    range.max === undefined ? '' : `${range.min === undefined ? ' of' : ' and'} at most ${max}`,
  ];
  return bad(what + bounds.join(''));
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function good<T>(value: T): Reading<T> {
  return { ok: true, value };
}

function bad(must: string): { readonly ok: false; readonly must: string } {
  return { ok: false, must };
}
