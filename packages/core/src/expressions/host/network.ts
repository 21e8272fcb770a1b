// Addresses and networks (core.md §16.1): `ip_address`, `ip_network`, names of hosts.
import { lookup, reverse } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { createCidrSet, parseCidr } from '@gatehouse/daemon/net';
import { Raised } from '../faults.ts';
import { textAt } from '../run/parameters.ts';
import { type Call, HostObject, List, Native, type Value } from '../run/values.ts';

const privateNetworks = createCidrSet([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/29',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
  '::1/128',
  '::/128',
  'fc00::/7',
  'fe80::/10',
  '2001:db8::/32',
]);
const loopback = createCidrSet(['127.0.0.0/8', '::1/128']);

export class AddressObject extends HostObject {
  readonly typeName = 'IPAddress';
  readonly address: string;
  constructor(address: string) {
    super();
    this.address = address;
  }
  get(name: string): Value | undefined {
    switch (name) {
      case 'version':
        return isIPv6(this.address) ? 6 : 4;
      case 'is_private':
        return privateNetworks.has(this.address);
      case 'is_global':
        return !privateNetworks.has(this.address);
      case 'is_loopback':
        return loopback.has(this.address);
      case 'compressed':
        return this.address;
      default:
        return undefined;
    }
  }
  override text(): string {
    return this.address;
  }
  override identity(): string {
    return `address ${this.address}`;
  }
}

class NetworkObject extends HostObject {
  readonly typeName = 'IPNetwork';
  readonly #given: string;
  constructor(given: string) {
    super();
    this.#given = given;
  }
  get(name: string): Value | undefined {
    if (name === 'version') return parseCidr(this.#given).version;
    return name === 'prefixlen' ? parseCidr(this.#given).prefix : undefined;
  }
  override contains(value: Value): boolean {
    if (!(value instanceof AddressObject)) throw new Raised('TypeError', 'only an address can be in a network');
    return createCidrSet([this.#given]).has(value.address);
  }
  override text(): string {
    return this.#given;
  }
  override identity(): string {
    return `network ${this.#given}`;
  }
}

function toAddress(call: Call): Value {
  const [given] = call.args;
  if (given instanceof AddressObject) return given;
  const text = textAt(call, 0, 'address');
  if (isIP(text) === 0) throw new Raised('ValueError', `'${text}' does not appear to be an IPv4 or IPv6 address`);
  return new AddressObject(text);
}

function toNetwork(call: Call): Value {
  const text = textAt(call, 0, 'address');
  try {
    parseCidr(text);
  } catch {
    throw new Raised('ValueError', `'${text}' does not appear to be an IPv4 or IPv6 network`);
  }
  return new NetworkObject(text);
}

const answerMs = 3_000;

/** Empty where nobody answers in time, like the original. */
async function resolveName(call: Call): Promise<Value> {
  const host = textAt(call, 0, 'host');
  const version = call.args[1] ?? call.named.get('ip_version') ?? null;
  const family = version === 6 || version === 4 ? version : 0;
  const found = await withinTime(lookup(host, { all: true, family }), []);
  return new List(found.map(({ address }) => address));
}

async function resolveAddress(call: Call): Promise<Value> {
  const [given] = call.args;
  const address = given instanceof AddressObject ? given.address : textAt(call, 0, 'ip_addr');
  const found = isIP(address) === 0 ? [] : await withinTime(reverse(address), []);
  return found[0] ?? address;
}

async function withinTime<T>(work: Promise<T>, otherwise: T): Promise<T> {
  const late = new Promise<T>((resolve) => setTimeout(() => resolve(otherwise), answerMs).unref());
  return Promise.race([work.catch(() => otherwise), late]);
}

export const networkFunctions: Readonly<Record<string, Value>> = {
  ip_address: new Native('ip_address', toAddress),
  ip_network: new Native('ip_network', toNetwork),
  resolve_dns: new Native('resolve_dns', resolveName),
  reverse_dns: new Native('reverse_dns', resolveAddress),
};
