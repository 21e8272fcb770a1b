// Names, numbers and types of attributes, and names of values (dictionaries/*.ts). Used for readable output and for
// attributes that a policy names. One line is `number name type`; `@vendor number name` begins a vendor's space; `= name:value …`
// names values of the attribute above.
import { malformed } from '../errors.ts';
import { standardDictionary } from './dictionaries/standard.ts';
import { vendorDictionaries } from './dictionaries/vendors.ts';
import type { Attribute } from './packet.ts';
import { formatValue, parseValue, type ValueType } from './values.ts';
import { encodeVendor } from './vendor.ts';

export interface DictionaryEntry {
  readonly name: string;
  /** 0 for the standard space. */
  readonly vendor: number;
  readonly type: number;
  readonly valueType: ValueType;
  /** Values by name, lower case. */
  readonly values: ReadonlyMap<string, number>;
  readonly valueNames: ReadonlyMap<number, string>;
}

export interface Dictionary {
  byName(name: string): DictionaryEntry | undefined;
  byNumber(vendor: number, type: number): DictionaryEntry | undefined;
}

/** Reads dictionary text; lookup by name ignores case. Throws nothing: a line of another form is passed over. */
export function createDictionary(text: string = standardDictionary + vendorDictionaries): Dictionary {
  const names = new Map<string, DictionaryEntry>();
  const numbers = new Map<string, DictionaryEntry>();
  let vendor = 0;
  let latest: { readonly values: Map<string, number>; readonly valueNames: Map<number, string> } | undefined;
  for (const line of text.split('\n')) {
    const [first = '', second = '', third = ''] = line.trim().split(/\s+/);
    if (first === '@vendor') vendor = Number(second);
    if (first === '=' && latest !== undefined) addValues(line, latest);
    const valueType = valueTypes.find((one) => one === third);
    if (valueType === undefined || !/^\d+$/.test(first)) continue;
    latest = { values: new Map(), valueNames: new Map() };
    const entry = { name: second, vendor, type: Number(first), valueType, ...latest };
    names.set(second.toLowerCase(), entry);
    numbers.set(`${vendor}/${first}`, entry);
  }
  return {
    byName: (name) => names.get(name.toLowerCase()),
    byNumber: (wanted, type) => numbers.get(`${wanted}/${type}`),
  };
}

const valueTypes: readonly ValueType[] = [
  'text',
  'octets',
  'integer',
  'integer64',
  'ipaddr',
  'ipv6addr',
  'ipv4prefix',
  'ipv6prefix',
  'ifid',
  'date',
  'tagged-integer',
  'tagged-text',
  'hidden',
  'salted',
  'tagged-salted',
];

function addValues(line: string, to: { values: Map<string, number>; valueNames: Map<number, string> }): void {
  for (const pair of line.trim().split(/\s+/).slice(1)) {
    const at = pair.lastIndexOf(':');
    const [name, value] = [pair.slice(0, at), Number(pair.slice(at + 1))];
    to.values.set(name.toLowerCase(), value);
    if (!to.valueNames.has(value)) to.valueNames.set(value, name);
  }
}

/**
 * An attribute as people write it: `Name`, `Name:tag`, or `Attribute-<number>` with bytes as `0x…`; values by name or number.
 * @throws WireError `ERR_WIRE_MALFORMED` for an unknown name or value, `ERR_WIRE_TOO_LARGE` for one that does not fit
 */
export function parseAttribute(dictionary: Dictionary, written: string, text: string): Attribute {
  const [name = '', tag] = written.split(':', 2);
  const raw = /^Attribute-(\d{1,3})$/i.exec(name)?.[1];
  const entry = dictionary.byName(name);
  if (entry === undefined && (raw === undefined || Number(raw) > 255))
    throw malformed(`"${name}" is in no dictionary; write Attribute-<number> and its bytes as 0x…`);
  if (entry === undefined) return { type: Number(raw), value: parseValue('octets', text) };
  const isTagged = entry.valueType.startsWith('tagged');
  if (tag !== undefined && (!isTagged || !/^(?:[0-9]|[12][0-9]|3[01])$/.test(tag)))
    throw malformed(isTagged ? `the tag of ${name} must be 0–31` : `${name} has no tag`);
  const named = entry.values.get(text.toLowerCase());
  const value = parseValue(entry.valueType, named === undefined ? text : String(named), Number(tag ?? 0));
  if (value.length === 0 || value.length > 253) throw malformed(`${name} has ${value.length} bytes; 1–253 fit`);
  return entry.vendor === 0
    ? { type: entry.type, value }
    : encodeVendor({ vendor: entry.vendor, type: entry.type, value });
}

/** Readable value: its name where it has one. */
export function formatNamedValue(entry: DictionaryEntry, value: Buffer): string {
  const plain = formatValue(entry.valueType, value);
  return entry.valueNames.get(Number(plain)) ?? plain;
}
