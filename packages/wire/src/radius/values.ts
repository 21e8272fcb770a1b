// Attribute values as text and back (radius.md §11.3), by the type that the dictionary gives. Used by the policy file and
// by readable output. Hidden and salted values are shown as bytes only: hidden-values.ts has the keys.
import { isIPv4, isIPv6 } from 'node:net';
import { malformed } from '../errors.ts';

export type ValueType =
  | 'text'
  | 'octets'
  | 'integer'
  | 'ipaddr'
  | 'ipv6addr'
  | 'ipv6prefix'
  | 'ifid'
  | 'date'
  | 'tagged-integer'
  | 'tagged-text'
  | 'hidden'
  | 'salted'
  | 'tagged-salted';

/** Readable text; bytes that do not fit their type are shown as `0x…`. */
export function formatValue(type: ValueType, value: Buffer): string {
  const hex = `0x${value.toString('hex')}`;
  switch (type) {
    case 'text':
      return value.toString('utf8');
    case 'integer':
    case 'date':
      return value.length === 4 ? String(value.readUInt32BE(0)) : hex;
    case 'ipaddr':
      return value.length === 4 ? value.join('.') : hex;
    case 'ipv6addr':
      return value.length === 16 ? ipv6Text(value) : hex;
    case 'ipv6prefix':
      return value.length >= 2 && value.length <= 18 ? prefixText(value) : hex;
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
    case 'date':
      return integer(text, 4);
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
