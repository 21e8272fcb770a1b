// String form of filters (RFC 4515): parsed for tools and tests, formatted for logs.
import { malformed } from '../errors.ts';
import type { Filter } from './filter.ts';

const maxDepth = 128;

/** @throws WireError `ERR_WIRE_MALFORMED`, naming the position */
export function parseFilter(text: string): Filter {
  const cursor = { text, at: 0 };
  const filter = parseNode(cursor, maxDepth);
  if (cursor.at !== text.length) throw malformed(`filter goes on after position ${cursor.at}`);
  return filter;
}

interface Cursor {
  readonly text: string;
  at: number;
}

function parseNode(cursor: Cursor, depth: number): Filter {
  if (depth === 0) throw malformed('filter is nested too deep');
  expect(cursor, '(');
  const sign = cursor.text[cursor.at];
  const node = sign === '&' || sign === '|' || sign === '!' ? parseComposite(cursor, sign, depth) : parseItem(cursor);
  expect(cursor, ')');
  return node;
}

function parseComposite(cursor: Cursor, sign: '&' | '|' | '!', depth: number): Filter {
  cursor.at += 1;
  if (sign === '!') return { kind: 'not', filter: parseNode(cursor, depth - 1) };
  const filters: Filter[] = [];
  while (cursor.text[cursor.at] === '(') filters.push(parseNode(cursor, depth - 1));
  return { kind: sign === '&' ? 'and' : 'or', filters };
}

function parseItem(cursor: Cursor): Filter {
  const end = cursor.text.indexOf(')', cursor.at);
  const item = cursor.text.slice(cursor.at, end === -1 ? undefined : end);
  const match = /^([A-Za-z0-9.;_/-]*)(?::(dn))?(?::([A-Za-z0-9.-]+))?(:=|>=|<=|~=|=)([^()]*)$/s.exec(item);
  if (end === -1 || match === null) throw malformed(`no filter item at position ${cursor.at}`);
  cursor.at = end;
  const [, attribute = '', dn, rule, sign = '=', raw = ''] = match;
  if (sign === ':=') {
    if (attribute === '' && rule === undefined) throw malformed('extensible match without attribute and rule');
    return {
      kind: 'extensibleMatch',
      rule,
      attribute: attribute === '' ? undefined : attribute,
      value: unescapeOctets(raw),
      dnAttributes: dn !== undefined,
    };
  }
  if (attribute === '' || dn !== undefined || rule !== undefined)
    throw malformed(`no attribute at position ${cursor.at}`);
  if (sign !== '=')
    return {
      kind: sign === '>=' ? 'greaterOrEqual' : sign === '<=' ? 'lessOrEqual' : 'approxMatch',
      attribute,
      value: unescapeOctets(raw),
    };
  if (raw === '*') return { kind: 'present', attribute };
  if (!raw.includes('*')) return { kind: 'equalityMatch', attribute, value: unescapeOctets(raw) };
  const pieces = raw.split('*').map(unescapeOctets);
  const [initial, final] = [pieces[0], pieces.at(-1)].map((piece) => (piece?.length === 0 ? undefined : piece));
  return {
    kind: 'substrings',
    attribute,
    initial,
    any: pieces.slice(1, -1).filter((piece) => piece.length > 0),
    final,
  };
}

function expect(cursor: Cursor, sign: string): void {
  if (cursor.text[cursor.at] !== sign) throw malformed(`"${sign}" is missing at position ${cursor.at} of the filter`);
  cursor.at += 1;
}

/** RFC 4515 §3: `\XX` is one octet; a backslash before anything else is an error. */
function unescapeOctets(text: string): Buffer {
  if (!text.includes('\\')) return Buffer.from(text, 'utf8');
  const parts = text.split(/\\([0-9a-fA-F]{2})/);
  return Buffer.concat(
    parts.map((part, index) => {
      if (index % 2 === 1) return Buffer.from(part, 'hex');
      if (part.includes('\\')) throw malformed('a backslash in a filter needs two hexadecimal digits');
      return Buffer.from(part, 'utf8');
    }),
  );
}

export function formatFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
      return `(&${filter.filters.map(formatFilter).join('')})`;
    case 'or':
      return `(|${filter.filters.map(formatFilter).join('')})`;
    case 'not':
      return `(!${formatFilter(filter.filter)})`;
    case 'present':
      return `(${filter.attribute}=*)`;
    case 'equalityMatch':
      return `(${filter.attribute}=${escapeOctets(filter.value)})`;
    case 'greaterOrEqual':
      return `(${filter.attribute}>=${escapeOctets(filter.value)})`;
    case 'lessOrEqual':
      return `(${filter.attribute}<=${escapeOctets(filter.value)})`;
    case 'approxMatch':
      return `(${filter.attribute}~=${escapeOctets(filter.value)})`;
    case 'substrings': {
      const pieces = [filter.initial ?? Buffer.alloc(0), ...filter.any, filter.final ?? Buffer.alloc(0)];
      return `(${filter.attribute}=${pieces.map(escapeOctets).join('*')})`;
    }
    case 'extensibleMatch':
      return `(${filter.attribute ?? ''}${filter.dnAttributes ? ':dn' : ''}${filter.rule === undefined ? '' : `:${filter.rule}`}:=${escapeOctets(filter.value)})`;
  }
}

/** RFC 4515 §3: special characters, control characters and whatever is not UTF-8 as `\XX`. */
function escapeOctets(value: Buffer): string {
  const text = value.toString('utf8');
  const valid = Buffer.from(text, 'utf8').equals(value);
  if (!valid) return [...value].map(hex).join('');
  return text.replace(/[\p{Cc}*()\\]/gu, (one) => [...Buffer.from(one, 'utf8')].map(hex).join(''));
}

function hex(octet: number): string {
  return `\\${octet.toString(16).padStart(2, '0')}`;
}
