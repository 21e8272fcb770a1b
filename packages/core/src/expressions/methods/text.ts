// Methods of `str` (Python library, "String Methods"), those that mappings and policies use.
import { Raised } from '../faults.ts';
import type { Methods } from '../run/attributes.ts';
import { formatValue } from '../run/format.ts';
import { collect } from '../run/iterate.ts';
import { optional, required, textAt, wholeAt } from '../run/parameters.ts';
import { codePoints, lengthOf, repr, str } from '../run/text.ts';
import { Bytes, type Call, Dict, List, type Step, Tuple, typeName, type Value } from '../run/values.ts';

const counted = (text: string, { run }: Call): string => {
  run.budget.take(text.length);
  return text;
};
const list = (items: readonly string[], { run }: Call): List => {
  run.budget.take(items.length + items.reduce((sum, item) => sum + item.length, 0));
  return new List([...items]);
};
const space = /\s/;

function strip(side: 'both' | 'left' | 'right') {
  return (self: string, call: Call): string => {
    const given = optional(call, 0, 'chars') ?? null;
    const signs = given === null ? undefined : new Set(codePoints(textAt(call, 0, 'chars')));
    const letters = codePoints(self);
    const goes = (sign: string) => (signs === undefined ? space.test(sign) : signs.has(sign));
    let [start, end] = [0, letters.length];
    if (side !== 'right') while (start < end && goes(letters[start] ?? '')) start += 1;
    if (side !== 'left') while (end > start && goes(letters[end - 1] ?? '')) end -= 1;
    return letters.slice(start, end).join('');
  };
}

function split(self: string, call: Call): List {
  const separator = optional(call, 0, 'sep') ?? null;
  const most = wholeAt(call, 1, 'maxsplit', -1);
  if (separator === null) return list(splitBlanks(self, most), call);
  const by = textAt(call, 0, 'sep');
  if (by === '') throw new Raised('ValueError', 'empty separator');
  const parts = self.split(by);
  if (most < 0 || parts.length <= most + 1) return list(parts, call);
  return list([...parts.slice(0, most), parts.slice(most).join(by)], call);
}

function splitBlanks(text: string, most: number): string[] {
  const parts: string[] = [];
  let rest = text.trimStart();
  while (rest !== '') {
    const end = most >= 0 && parts.length === most ? -1 : rest.search(/\s/);
    parts.push(end === -1 ? rest.trimEnd() : rest.slice(0, end));
    rest = end === -1 ? '' : rest.slice(end).trimStart();
  }
  return parts;
}

function splitFromRight(self: string, call: Call): List {
  const most = wholeAt(call, 1, 'maxsplit', -1);
  const separator = optional(call, 0, 'sep') ?? null;
  const by = separator === null ? undefined : textAt(call, 0, 'sep');
  const parts = by === undefined ? splitBlanks(self, -1) : self.split(by);
  if (most < 0 || parts.length <= most + 1) return list(parts, call);
  const at = parts.length - most;
  return list([parts.slice(0, at).join(by ?? ' '), ...parts.slice(at)], call);
}

function* join(self: string, call: Call): Step<Value> {
  const items = yield* collect(call.run, required(call, 0, 'iterable'));
  const texts = items.map((item, at) => {
    if (typeof item === 'string') return item;
    throw new Raised('TypeError', `sequence item ${at}: expected str instance, ${typeName(item)} found`);
  });
  const length = texts.reduce((sum, text) => sum + text.length + self.length, 0);
  call.run.budget.take(length);
  return texts.join(self);
}

function fixes(self: string, call: Call, holds: (text: string) => boolean): boolean {
  const given = required(call, 0, 'prefix');
  const options = given instanceof Tuple ? given.items : [given];
  return options.some((option) => {
    if (typeof option === 'string') return holds(option);
    throw new Raised('TypeError', `first arg must be str or a tuple of str, not ${typeName(option)} (${self.length})`);
  });
}

function find(self: string, call: Call, last: boolean): number {
  const wanted = textAt(call, 0, 'sub');
  const letters = codePoints(self);
  const start = Math.max(0, wholeAt(call, 1, 'start', 0));
  const stop = wholeAt(call, 2, 'end', letters.length);
  const window = letters.slice(start, stop).join('');
  const at = last ? window.lastIndexOf(wanted) : window.indexOf(wanted);
  return at === -1 ? -1 : start + lengthOf(window.slice(0, at));
}

function found(at: number): number {
  if (at === -1) throw new Raised('ValueError', 'substring not found');
  return at;
}

function replace(self: string, call: Call): string {
  const [old, fresh] = [textAt(call, 0, 'old'), textAt(call, 1, 'new')];
  const most = wholeAt(call, 2, 'count', -1);
  const parts = old === '' ? ['', ...codePoints(self), ''] : self.split(old);
  const times = most < 0 ? parts.length - 1 : Math.min(most, parts.length - 1);
  call.run.budget.take(self.length + fresh.length * times);
  return (
    parts.slice(0, times + 1).join(fresh) +
    parts
      .slice(times + 1)
      .map((part) => old + part)
      .join('')
  );
}

/** `{}`, `{0}`, `{name}` and `{name[key]}` or `{name.key}` of mappings, with a specification. */
function format(self: string, call: Call): string {
  let automatic = 0;
  const text = self.replace(/\{\{|\}\}|\{([^{}]*)\}/g, (whole, field: string | undefined) => {
    if (field === undefined) return whole.charAt(0);
    const [, path = '', conversion, spec = ''] = /^([^!:]*)(?:!([rs]))?(?::(.*))?$/.exec(field) ?? [];
    const [, name = '', rest = ''] = /^([^.[]*)(.*)$/.exec(path) ?? [];
    const key = name === '' ? String(automatic) : name;
    if (name === '') automatic += 1;
    let value = /^\d+$/.test(key) ? call.args[Number(key)] : call.named.get(key);
    for (const [, attribute, index] of rest.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g))
      value = value instanceof Dict ? value.get(attribute ?? index ?? '') : undefined;
    if (value === undefined) throw new Raised('KeyError', `'${path}'`);
    return counted(
      formatValue(conversion === undefined ? value : conversion === 'r' ? repr(value) : str(value), spec),
      call,
    );
  });
  return text;
}

function pad(self: string, call: Call, side: 'left' | 'right' | 'both'): string {
  const width = wholeAt(call, 0, 'width');
  const missing = width - lengthOf(self);
  if (missing <= 0) return self;
  call.run.budget.take(width);
  const fill = textAt(call, 1, 'fillchar', ' ');
  const before = side === 'left' ? missing : side === 'right' ? 0 : Math.floor(missing / 2);
  return fill.repeat(before) + self + fill.repeat(missing - before);
}

const capitalized = (word: string) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
const all = (self: string, pattern: RegExp) => pattern.test(self);

export const textMethods: Methods<string> = {
  capitalize: (self) => capitalized(self),
  casefold: (self) => self.toLowerCase().replaceAll('ß', 'ss'),
  center: (self, call) => pad(self, call, 'both'),
  count: (self, call) => self.split(textAt(call, 0, 'sub')).length - 1,
  encode: (self, call) => {
    call.run.budget.take(self.length);
    return new Bytes(
      Buffer.from(self, /^(?:latin|iso-?8859-?1)/i.test(textAt(call, 0, 'encoding', 'utf-8')) ? 'latin1' : 'utf8'),
    );
  },
  endswith: (self, call) => fixes(self, call, (text) => self.endsWith(text)),
  find: (self, call) => find(self, call, false),
  format,
  index: (self, call) => found(find(self, call, false)),
  isalnum: (self) => all(self, /^[\p{L}\p{N}]+$/u),
  isalpha: (self) => all(self, /^\p{L}+$/u),
  isascii: (self) => Buffer.byteLength(self) === self.length,
  isdecimal: (self) => all(self, /^\p{Nd}+$/u),
  isdigit: (self) => all(self, /^\p{Nd}+$/u),
  isidentifier: (self) => all(self, /^[\p{L}_][\p{L}\p{N}_]*$/u),
  islower: (self) => self === self.toLowerCase() && self !== self.toUpperCase(),
  isnumeric: (self) => all(self, /^\p{N}+$/u),
  isspace: (self) => all(self, /^\s+$/),
  istitle: (self) => /\p{L}/u.test(self) && self === self.replace(/\p{L}+/gu, capitalized),
  isupper: (self) => self === self.toUpperCase() && self !== self.toLowerCase(),
  join,
  ljust: (self, call) => pad(self, call, 'right'),
  lower: (self) => self.toLowerCase(),
  lstrip: strip('left'),
  partition: (self, call) => {
    const by = textAt(call, 0, 'sep');
    const at = self.indexOf(by);
    return new Tuple(at === -1 ? [self, '', ''] : [self.slice(0, at), by, self.slice(at + by.length)]);
  },
  removeprefix: (self, call) => {
    const prefix = textAt(call, 0, 'prefix');
    return self.startsWith(prefix) ? self.slice(prefix.length) : self;
  },
  removesuffix: (self, call) => {
    const suffix = textAt(call, 0, 'suffix');
    return suffix !== '' && self.endsWith(suffix) ? self.slice(0, -suffix.length) : self;
  },
  replace,
  rfind: (self, call) => find(self, call, true),
  rindex: (self, call) => found(find(self, call, true)),
  rjust: (self, call) => pad(self, call, 'left'),
  rpartition: (self, call) => {
    const by = textAt(call, 0, 'sep');
    const at = self.lastIndexOf(by);
    return new Tuple(at === -1 ? ['', '', self] : [self.slice(0, at), by, self.slice(at + by.length)]);
  },
  rsplit: splitFromRight,
  rstrip: strip('right'),
  split,
  splitlines: (self, call) => {
    const lines = self.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/);
    return list(lines.at(-1) === '' ? lines.slice(0, -1) : lines, call);
  },
  startswith: (self, call) => fixes(self, call, (text) => self.startsWith(text)),
  strip: strip('both'),
  swapcase: (self) =>
    codePoints(self)
      .map((sign) => (sign === sign.toUpperCase() ? sign.toLowerCase() : sign.toUpperCase()))
      .join(''),
  title: (self) => self.replace(/\p{L}+/gu, capitalized),
  upper: (self) => self.toUpperCase(),
  zfill: (self, call) => {
    const width = wholeAt(call, 0, 'width');
    call.run.budget.take(Math.max(0, width));
    return self.replace(/^[-+]?/, (sign) => sign + '0'.repeat(Math.max(0, width - lengthOf(self))));
  },
};
