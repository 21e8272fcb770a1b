// The packet that RADIUS mappings fill (radius.md §6): attributes by name, number, or vendor and number.
import { randomBytes, randomInt } from 'node:crypto';
import {
  type Attribute,
  createDictionary,
  type DictionaryEntry,
  encodePacket,
  encodeVendor,
  parseValue,
  type ValueType,
} from '@gatehouse/wire/radius';
import { Raised } from '../expressions/faults.ts';
import { repr, str } from '../expressions/run/text.ts';
import { Bytes, HostObject, List, Native, numberOf, Tuple, typeName, type Value } from '../expressions/run/values.ts';

const dictionary = createDictionary();
const accessRequest = 1;
const longestValue = 253;
/** Names without their vendor's, as the original's dictionary has them. */
const prefixes = ['', 'Cisco-', 'MS-'];

const valueTypes: Readonly<Record<string, ValueType>> = {
  string: 'text',
  octets: 'octets',
  integer: 'integer',
  ipaddr: 'ipaddr',
  ipv6addr: 'ipv6addr',
  ipv6prefix: 'ipv6prefix',
  date: 'date',
};

type Known = Pick<DictionaryEntry, 'vendor' | 'type' | 'valueType' | 'values'>;

export class RadiusPacketObject extends HostObject {
  readonly typeName = 'AuthPacket';
  readonly #attributes: Attribute[] = [];
  readonly #defined = new Map<string, Known>();

  get(name: string): Value | undefined {
    if (name !== 'AddAttribute') return undefined;
    return new Native(name, ({ args: [key = null, value = null] }) => {
      if (value instanceof List || value instanceof Tuple) throw new Raised('TypeError', 'one value at a time');
      this.#add(key, value);
      return null;
    });
  }

  /** Replaces what was there before. */
  override setItem(key: Value, value: Value): boolean {
    const types = new Set(this.#encode(key, value).map(({ type }) => type));
    if (!types.has(26))
      for (let at = this.#attributes.length - 1; at >= 0; at -= 1)
        if (types.has(this.#attributes[at]?.type ?? -1)) this.#attributes.splice(at, 1);
    this.#add(key, value);
    return true;
  }

  /** A name for this evaluation: `<vendor name>-<attribute name>`. */
  define(vendor: number, vendorName: string, name: string, type: number, valueType: string): void {
    const known = Object.hasOwn(valueTypes, valueType) ? valueTypes[valueType] : undefined;
    if (known === undefined) throw new Raised('ValueError', `attributes of type ${valueType} cannot be defined`);
    this.#defined.set(`${vendorName}-${name}`, { vendor, type, valueType: known, values: new Map() });
  }

  #add(key: Value, value: Value): void {
    this.#attributes.push(...this.#encode(key, value));
  }

  #encode(key: Value, value: Value): Attribute[] {
    if (key instanceof Tuple) {
      const [vendor, type] = key.items.map((part) => numberOf(part) ?? Number.NaN);
      return rawValues(value).map((data) => encodeVendor({ vendor: vendor ?? 0, type: type ?? 0, value: data }));
    }
    const number = numberOf(key);
    if (number !== undefined) return rawValues(value).map((data) => ({ type: number, value: data }));
    if (typeof key === 'string') return [this.#encodeNamed(key, value)];
    throw new Raised('KeyError', repr(key));
  }

  #encodeNamed(written: string, value: Value): Attribute {
    const [, name = '', tag] = /^(.+?)(?::(\d+))?$/.exec(written) ?? [];
    const entry =
      this.#defined.get(name) ??
      prefixes.map((prefix) => dictionary.byName(prefix + name)).find((one) => one !== undefined);
    if (entry === undefined) throw new Raised('KeyError', repr(name));
    const data = encodeValue(name, entry, value, tag === undefined ? 0 : Number(tag));
    if (data.length > longestValue) throw new Raised('ValueError', `the value of ${name} has more than 253 bytes`);
    return entry.vendor === 0
      ? { type: entry.type, value: data }
      : encodeVendor({ vendor: entry.vendor, type: entry.type, value: data });
  }

  /** Base64 of the packet, as the outpost reads it. */
  encode(): string {
    return encodePacket({
      code: accessRequest,
      identifier: randomInt(256),
      authenticator: randomBytes(16),
      attributes: this.#attributes,
    }).toString('base64');
  }

  describe(): readonly object[] {
    return this.#attributes.map(({ type, value }) => ({ type, value: value.toString('hex') }));
  }
}

function rawValues(value: Value): Buffer[] {
  const items = value instanceof List || value instanceof Tuple ? value.items : [value];
  return items.map((item) => {
    if (item instanceof Bytes && item.data.length <= longestValue) return item.data;
    throw new Raised('TypeError', `attributes by number take up to 253 bytes each, not ${typeName(item)}`);
  });
}

function encodeValue(name: string, { valueType, values }: Known, value: Value, tag: number): Buffer {
  if (['hidden', 'salted', 'tagged-salted'].includes(valueType))
    throw new Raised('ValueError', `${name} is encrypted for each device and cannot be set by a mapping`);
  if (valueType === 'octets') {
    if (value instanceof Bytes) return value.data;
    throw new Raised('TypeError', `${name} takes bytes`);
  }
  const isNumber = valueType === 'integer' || valueType === 'tagged-integer';
  const named = typeof value === 'string' && isNumber ? values.get(value.toLowerCase()) : undefined;
  if (isNumber && typeof value === 'string' && named === undefined && !/^\d+$/.test(value))
    throw new Raised('ValueError', `${name} has no value ${repr(value)}`);
  if (value === null || value instanceof List || value instanceof Tuple)
    throw new Raised('TypeError', `${name} cannot be ${typeName(value)}`);
  try {
    return parseValue(
      valueType,
      value instanceof Bytes ? value.data.toString('utf8') : String(named ?? str(value)),
      tag,
    );
  } catch (error) {
    throw new Raised('ValueError', `${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
