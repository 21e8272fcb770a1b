// Attribute values as text and back (radius.md §11.3), by the type that the dictionary gives. Used by the policy file and
// by readable output. Hidden and salted values are shown as bytes only: hidden-values.ts has the keys.
import { isIPv4, isIPv6 } from 'node:net';
import { malformed } from '../errors.ts';

export type ValueType =
  | 'text'
  | 'octets'
  | 'integer'
  | 'integer64'
  | 'ipaddr'
  | 'ipv6addr'
  | 'ipv4prefix'
  | 'ipv6prefix'
  | 'ifid'
  | 'date'
  | 'tagged-integer'
  | 'tagged-text'
  | 'hidden'
  | 'salted'
  | 'tagged-salted'
  /** Attributes inside: dictionary.ts knows their names, here they are bytes. */
  | 'tlv';

/** Readable text; bytes that do not fit their type are shown as `0x…`. */
export function formatValue(type: ValueType, value: Buffer): string {
  const hex = `0x${value.toString('hex')}`;
  switch (type) {
    case 'text':
      return value.toString('utf8');
    case 'integer':
    case 'date':
      return value.length === 4 ? String(value.readUInt32BE(0)) : hex;
    case 'integer64':
      return value.length === 8 ? String(value.readBigUInt64BE(0)) : hex;
    case 'ipaddr':
      return value.length === 4 ? value.join('.') : hex;
    case 'ipv6addr':
      return value.length === 16 ? ipv6Text(value) : hex;
    case 'ipv6prefix':
      return value.length >= 2 && value.length <= 18 && value.readUInt8(1) <= 128 ? prefixText(value) : hex;
    case 'ipv4prefix':
      return value.length === 6 && value.readUInt8(1) <= 32
        ? `${value.subarray(2).join('.')}/${value.readUInt8(1)}`
        : hex;
    case 'ifid':
      return value.length === 8 ? ifidText(value) : hex;
    case 'tagged-integer':
      return value.length === 4 ? String(value.readUIntBE(1, 3)) : hex;
    case 'tagged-text':
      return value.subarray(tagOf(value) === undefined ? 0 : 1).toString('utf8');
    default:
      return hex;
  }
}

/**
 * Bytes of a text.
 * @param tag 1–31, for the tagged types; 0 or absent for untagged
 * @throws WireError `ERR_WIRE_MALFORMED` when the text is none of its type
 */
export function parseValue(type: ValueType, text: string, tag = 0): Buffer {
  if (/^0x(?:[\da-f]{2})*$/i.test(text) && type !== 'text') return Buffer.from(text.slice(2), 'hex');
  switch (type) {
    case 'text':
      return Buffer.from(text, 'utf8');
    case 'integer':
      return integer(text, 4);
    case 'date':
      return integer(secondsOf(text), 4);
    case 'integer64':
      return integer64(text);
    case 'tagged-integer':
      return Buffer.concat([Buffer.of(tag), integer(text, 3)]);
    case 'tagged-text':
      return Buffer.concat([Buffer.from(tag === 0 ? [] : [tag]), Buffer.from(text, 'utf8')]);
    case 'ipaddr':
      if (!isIPv4(text)) throw malformed(`"${text}" is not an IPv4 address`);
      return Buffer.from(text.split('.').map(Number));
    case 'ipv6addr':
      return ipv6Bytes(text);
    case 'ipv6prefix':
      return prefixBytes(text);
    case 'ipv4prefix':
      return ipv4PrefixBytes(text);
    case 'ifid':
      return ifidBytes(text);
    case 'octets':
      return Buffer.from(text, 'utf8');
    default:
      throw malformed(`a value of type ${type} cannot be written as "${text}"; write its bytes as 0x…`);
  }
}

/** The tag in front of a tagged value, 1–31 (RFC 2868 §3.1). */
export function tagOf(value: Buffer): number | undefined {
  const first = value[0];
  return first !== undefined && first >= 0x01 && first <= 0x1f ? first : undefined;
}

function integer(text: string, bytes: 3 | 4): Buffer {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value < 256 ** bytes)) throw malformed(`"${text}" is not an integer below ${256 ** bytes}`);
  const out = Buffer.alloc(bytes);
  out.writeUIntBE(value, 0, bytes);
  return out;
}

function integer64(text: string): Buffer {
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
  if (value < 0n || value >= 1n << 64n) throw malformed(`"${text}" is not an integer below 2^64`);
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(value);
  return out;
}

/** A date as seconds since 1970, or as ISO 8601 writes it. */
function secondsOf(text: string): string {
  return /^\d{4}-\d{2}-\d{2}/.test(text) ? String(Math.floor(Date.parse(text) / 1_000)) : text;
}

function ifidText(bytes: Buffer): string {
  return Array.from({ length: 4 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(':');
}

/** RFC 3162 §2.2: four groups, as in the lower half of an address. */
function ifidBytes(text: string): Buffer {
  const groups = text.split(':');
  if (groups.length !== 4 || !groups.every((group) => /^[\da-f]{1,4}$/i.test(group)))
    throw malformed(`"${text}" is not an interface identifier such as 0:0:0:1`);
  const out = Buffer.alloc(8);
  for (const [at, group] of groups.entries()) out.writeUInt16BE(Number.parseInt(group, 16), at * 2);
  return out;
}

/** RFC 8044 §3.11: reserved byte, prefix length, and always four bytes; those behind the prefix are zero. */
function ipv4PrefixBytes(text: string): Buffer {
  const [address = '', length = ''] = text.split('/');
  const bits = /^\d+$/.test(length) ? Number(length) : Number.NaN;
  if (!(bits <= 32) || !isIPv4(address)) throw malformed(`"${text}" is not an IPv4 prefix`);
  const out = Buffer.from([0, bits, ...address.split('.').map(Number)]);
  out.writeUInt32BE(bits === 0 ? 0 : (out.readUInt32BE(2) & (-1 << (32 - bits))) >>> 0, 2);
  return out;
}

function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

function ipv6Bytes(text: string): Buffer {
  if (!isIPv6(text) || text.includes('%')) throw malformed(`"${text}" is not an IPv6 address`);
  const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = '', tail = ''] = canonical.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const groups = canonical.includes('::')
    ? [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
    : before;
  const out = Buffer.alloc(16);
  for (const [at, group] of groups.entries()) out.writeUInt16BE(Number.parseInt(group, 16), at * 2);
  return out;
}

/** RFC 3162 §2.3: reserved byte, prefix length, and as many bytes as matter. */
function prefixText(value: Buffer): string {
  return `${ipv6Text(Buffer.concat([value.subarray(2)], 16))}/${value.readUInt8(1)}`;
}

function prefixBytes(text: string): Buffer {
  const [address = '', length = ''] = text.split('/');
  const bits = /^\d+$/.test(length) ? Number(length) : Number.NaN;
  if (!(bits <= 128)) throw malformed(`"${text}" is not an IPv6 prefix`);
  return Buffer.concat([Buffer.of(0, bits), ipv6Bytes(address).subarray(0, Math.ceil(bits / 8))]);
}
