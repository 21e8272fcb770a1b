// Names, numbers and types of attributes, and names of values (dictionaries/*.ts). Used for readable output and for
// attributes that a policy names. One line is `number name type`; `@vendor number name` begins a vendor's space; `= name:value …`
// names values of the attribute above. A number with dots is one inside another: `241.5.2`, the second of those in 241.5.
import { malformed } from '../errors.ts';
import { standardDictionary } from './dictionaries/standard.ts';
import { vendorDictionaries } from './dictionaries/vendors.ts';
import type { Attribute } from './packet.ts';
import { decodeTlvs, encodeTlvs, quote, readWrittenTlvs } from './tlv.ts';
import { formatValue, parseValue, type ValueType } from './values.ts';
import { encodeExtended, encodeVendor, firstExtended, lastExtended } from './vendor.ts';

export interface DictionaryEntry {
  readonly name: string;
  /** 0 for the standard space. */
  readonly vendor: number;
  /** Of the attribute that it is, or that it stands in. */
  readonly type: number;
  /** Its number: `1`, `241.5`, or `241.5.2`. */
  readonly path: string;
  readonly valueType: ValueType;
  /** Values by name, lower case. */
  readonly values: ReadonlyMap<string, number>;
  readonly valueNames: ReadonlyMap<number, string>;
}

export interface Dictionary {
  byName(name: string): DictionaryEntry | undefined;
  /** @param path a type, or numbers with dots in the standard space */
  byNumber(vendor: number, path: number | string): DictionaryEntry | undefined;
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
    if (valueType === undefined || !/^\d+(?:\.\d+)*$/.test(first)) continue;
    latest = { values: new Map(), valueNames: new Map() };
    const entry = { name: second, vendor, type: Number.parseInt(first, 10), path: first, valueType, ...latest };
    names.set(second.toLowerCase(), entry);
    numbers.set(`${vendor}/${first}`, entry);
  }
  return {
    byName: (name) => names.get(name.toLowerCase()),
    byNumber: (wanted, path) => numbers.get(`${wanted}/${path}`),
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
  'tlv',
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
 * An attribute as people write it: `Name`, `Name:tag`, or `Attribute-<number>` with bytes as `0x…`; values by name or number, those
 * that hold attributes as `{ Name = value, … }`. What stands in another one gets that around it.
 * @throws WireError `ERR_WIRE_MALFORMED` for an unknown name or value, `ERR_WIRE_TOO_LARGE` for one that does not fit
 */
export function parseAttribute(dictionary: Dictionary, written: string, text: string): Attribute {
  const [name = '', tag] = written.split(':', 2);
  const entry = entryOf(dictionary, name);
  const isTagged = entry.valueType.startsWith('tagged');
  if (tag !== undefined && (!isTagged || !/^(?:[0-9]|[12][0-9]|3[01])$/.test(tag)))
    throw malformed(isTagged ? `the tag of ${name} must be 0–31` : `${name} has no tag`);
  const value = parseNamedValue(dictionary, entry, { text, isQuoted: false, tag: Number(tag ?? 0) });
  if (value.length === 0 || value.length > 253) throw malformed(`${name} has ${value.length} bytes; 1–253 fit`);
  return entry.vendor === 0 ? wrap(entry, value) : encodeVendor({ vendor: entry.vendor, type: entry.type, value });
}

type Known = Pick<DictionaryEntry, 'vendor' | 'type' | 'path' | 'valueType'> & Partial<DictionaryEntry>;

/** @throws WireError `ERR_WIRE_MALFORMED` */
function entryOf(dictionary: Dictionary, name: string): Known {
  const named = dictionary.byName(name);
  if (named !== undefined) return named;
  const path = /^Attribute-(\d{1,3}(?:\.\d{1,3})*)$/i.exec(name)?.[1] ?? '';
  if (path === '' || path.split('.').some((number) => Number(number) > 255))
    throw malformed(`"${name}" is in no dictionary; write Attribute-<number> and its bytes as 0x…`);
  return { vendor: 0, type: Number.parseInt(path, 10), path, valueType: 'octets' };
}

function parseNamedValue(
  dictionary: Dictionary,
  { path, valueType, values }: Known,
  { text, isQuoted, tag }: { readonly text: string; readonly isQuoted: boolean; readonly tag: number },
): Buffer {
  if (isQuoted) return Buffer.from(text, 'utf8');
  if (valueType === 'tlv' && !/^0x/i.test(text)) return parseTlvs(dictionary, path, text);
  const named = values?.get(text.toLowerCase());
  return parseValue(valueType, named === undefined ? text : String(named), tag);
}

function parseTlvs(dictionary: Dictionary, parent: string, text: string): Buffer {
  const tlvs = readWrittenTlvs(text).map(({ name, ...given }) => {
    const entry = entryOf(dictionary, name);
    const type = entry.path.slice(parent.length + 1);
    if (entry.vendor !== 0 || !entry.path.startsWith(`${parent}.`) || !/^\d+$/.test(type))
      throw malformed(`${name} does not stand in Attribute-${parent}`);
    // In a list text stands in quotes, so bytes of any type may be written plainly.
    const isBytes = !given.isQuoted && /^0x/i.test(given.text);
    const known = isBytes ? { ...entry, valueType: 'octets' as const } : entry;
    return { type: Number(type), value: parseNamedValue(dictionary, known, { ...given, tag: 0 }) };
  });
  return encodeTlvs(tlvs);
}

/** The attribute of a value, with those around it that it stands in (RFC 6929 §2.1, §2.3). */
function wrap({ type, path }: Known, innermost: Buffer): Attribute {
  const numbers = path.split('.').slice(1).map(Number);
  const extendedType = type >= firstExtended && type <= lastExtended ? numbers.shift() : undefined;
  const value = numbers.reduceRight((inner, number) => encodeTlvs([{ type: number, value: inner }]), innermost);
  if (extendedType === undefined) return { type, value };
  const [attribute, more] = encodeExtended({ type, extendedType, value });
  if (attribute === undefined || more !== undefined) throw malformed(`${path} does not fit into one attribute`);
  return attribute;
}

/** Readable value: its name where it has one. */
export function formatNamedValue(entry: DictionaryEntry, value: Buffer): string {
  const plain = formatValue(entry.valueType, value);
  const isBytes = plain.startsWith('0x'); // not of the length that its type has: no number
  return (isBytes ? undefined : entry.valueNames.get(Number(plain))) ?? plain;
}

/** As {@link formatNamedValue}, with what stands inside by its names; as `parseAttribute` reads it. */
export function formatTlvs(dictionary: Dictionary, path: string, value: Buffer): string {
  const tlvs = decodeTlvs(value);
  if (tlvs === undefined) return formatValue('octets', value);
  const parts = tlvs.map(({ type, value: inner }) => {
    const entry = dictionary.byNumber(0, `${path}.${type}`);
    if (entry === undefined) return `Attribute-${path}.${type} = ${formatValue('octets', inner)}`;
    if (entry.valueType === 'tlv') return `${entry.name} = ${formatTlvs(dictionary, entry.path, inner)}`;
    return `${entry.name} = ${formatInner(entry, inner)}`;
  });
  return `{ ${parts.join(', ')} }`;
}

/** Text in quotes where it is text, else as bytes: what is shown can be written. */
function formatInner(entry: DictionaryEntry, value: Buffer): string {
  if (entry.valueType !== 'text') return formatNamedValue(entry, value);
  const text = value.toString('utf8');
  return Buffer.from(text, 'utf8').equals(value) ? quote(text) : formatValue('octets', value);
}
