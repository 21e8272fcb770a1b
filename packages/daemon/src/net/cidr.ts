// Networks: one map per prefix length, so that a look-up is a handful of map reads whatever the number of networks
// (LIBRARIES.md §10). ipaddr.js parses, and is imported here only.
import { default as ipaddr } from 'ipaddr.js';
import { GatewayError } from '../errors.ts';

export interface Cidr {
  readonly version: 4 | 6;
  readonly bits: bigint;
  readonly prefix: number;
}

export interface CidrSet {
  has(address: string): boolean;
  /** The longest matching prefix's network, as given. */
  longest(address: string): string | undefined;
}

/** @throws GatewayError `ERR_NET_CIDR` */
export function parseCidr(given: string): Cidr {
  const [host = '', length] = given.trim().split('/');
  const address = parseIp(host);
  const width = address?.version === 4 ? 32 : 128;
  const prefix = length === undefined ? width : Number(length);
  if (address === undefined || !Number.isInteger(prefix) || prefix < 0 || prefix > width || length === '') {
    throw new GatewayError('ERR_NET_CIDR', `"${given}" is not a network.`, {
      hint: 'Write address/prefix, for instance 10.0.0.0/8 or 2001:db8::/32.',
    });
  }
  return { version: address.version, bits: mask(address.bits, prefix, width), prefix };
}

export function createCidrSet(networks: readonly string[]): CidrSet {
  const byPrefix = new Map<string, Map<bigint, string>>();
  for (const given of networks) {
    const { version, bits, prefix } = parseCidr(given);
    const key = `${version}/${prefix}`;
    const known = byPrefix.get(key) ?? new Map<bigint, string>();
    if (!known.has(bits)) known.set(bits, given);
    byPrefix.set(key, known);
  }
  const lengths = [...byPrefix.keys()]
    .map((key) => ({
      version: Number(key[0]),
      prefix: Number(key.slice(2)),
      known: byPrefix.get(key) ?? new Map<bigint, string>(),
    }))
    .sort((one, other) => other.prefix - one.prefix);
  const longest = (text: string) => {
    const address = parseIp(text);
    if (address === undefined) return undefined;
    for (const { version, prefix, known } of lengths) {
      if (version !== address.version) continue;
      const found = known.get(mask(address.bits, prefix, version === 4 ? 32 : 128));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return { longest, has: (address) => longest(address) !== undefined };
}

/** Address without zone, IPv4-mapped addresses in dotted form; anything else is returned as it is. */
export function canonicalIp(text: string): string {
  if (!text.includes(':') && !text.includes('%')) return text; // nothing to do, and on the way of every datagram
  if (/^::ffff:[\d.]+$/.test(text)) return text.slice(7);
  const plain = text.replace(/%.*$/, '');
  if (/^[\d.]+$/.test(plain)) return plain;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1] ?? plain;
}

function parseIp(text: string): { version: 4 | 6; bits: bigint } | undefined {
  const plain = canonicalIp(text.trim());
  if (!ipaddr.isValid(plain) || (!plain.includes(':') && plain.split('.').length !== 4)) return undefined;
  const bytes = ipaddr.parse(plain).toByteArray();
  const bits = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { version: bytes.length === 4 ? 4 : 6, bits };
}

function mask(bits: bigint, prefix: number, width: number): bigint {
  const host = BigInt(width - prefix);
  return (bits >> host) << host;
}
