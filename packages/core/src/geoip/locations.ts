// Where an address is and whose network it belongs to (core.md §20.1, "Enrichment"), by the two databases of the
// installation.
import { isIP, isIPv6 } from 'node:net';
import { z } from 'zod';
import { createMmdb, type Mmdb } from './mmdb.ts';

/** As events keep it. */
export interface Place {
  readonly continent: string;
  readonly country: string;
  readonly lat: number | null;
  readonly long: number | null;
  readonly city: string;
}

export interface Network {
  readonly asn: number;
  readonly as_org: string | null;
  /** The part of it that the address is in, as `203.0.113.0/24`. */
  readonly network: string | null;
}

/** Of either: `undefined` without a database, `null` for an address that it does not know. */
export interface Location {
  readonly place: Place | null | undefined;
  readonly network: Network | null | undefined;
}

export interface Locations {
  of(address: string): Promise<Location>;
  /** Which databases there are. */
  present(): Promise<{ readonly places: boolean; readonly networks: boolean }>;
}

export interface LocationPaths {
  readonly geoip: string;
  readonly asn: string;
}

export function createLocations(paths: LocationPaths, deps: Parameters<typeof createMmdb>[1]): Locations {
  const places = createMmdb(paths.geoip, deps);
  const networks = createMmdb(paths.asn, deps);
  return {
    async of(address) {
      const [place, network] = await Promise.all([placeOf(places, address), networkOf(networks, address)]);
      return { place, network };
    },
    async present() {
      const [hasPlaces, hasNetworks] = await Promise.all([places.isPresent(), networks.isPresent()]);
      return { places: hasPlaces, networks: hasNetworks };
    },
  };
}

const named = z.object({ code: z.string().optional(), iso_code: z.string().optional() }).optional();
const cityRecord = z.object({
  continent: named,
  country: named,
  location: z.object({ latitude: z.number().optional(), longitude: z.number().optional() }).optional(),
  city: z.object({ names: z.record(z.string(), z.string()).optional() }).optional(),
});

async function placeOf(places: Mmdb, address: string): Promise<Place | null | undefined> {
  const found = isIP(address) === 0 ? null : await places.lookup(address);
  if (found === undefined || found === null) return found;
  const { success, data } = cityRecord.safeParse(found.record);
  if (!success) return null;
  return {
    continent: data.continent?.code ?? '',
    country: data.country?.iso_code ?? '',
    lat: data.location?.latitude ?? null,
    long: data.location?.longitude ?? null,
    city: data.city?.names?.['en'] ?? '',
  };
}

const asnRecord = z.object({
  autonomous_system_number: z.number(),
  autonomous_system_organization: z.string().optional(),
});

async function networkOf(networks: Mmdb, address: string): Promise<Network | null | undefined> {
  const found = isIP(address) === 0 ? null : await networks.lookup(address);
  if (found === undefined || found === null) return found;
  const { success, data } = asnRecord.safeParse(found.record);
  if (!success) return null;
  return {
    asn: data.autonomous_system_number,
    as_org: data.autonomous_system_organization ?? null,
    network: prefixOf(address, found.prefixLength),
  };
}

/** The network of an address in CIDR notation. */
export function prefixOf(address: string, length: number): string {
  const isV6 = isIPv6(address);
  const bits = isV6 ? 128 : 32;
  const kept = BigInt(Math.min(length, bits));
  const mask = ((1n << kept) - 1n) << (BigInt(bits) - kept);
  const value = (isV6 ? readV6(address) : readV4(address)) & mask;
  return `${isV6 ? writeV6(value) : writeV4(value)}/${kept}`;
}

const readV4 = (address: string) => address.split('.').reduce((value, part) => value * 256n + BigInt(part), 0n);
const writeV4 = (value: bigint) => [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.');

function readV6(address: string): bigint {
  const { hostname } = new URL(`http://[${address.replace(/%.*/, '')}]/`); // compressed, and without dotted parts
  const [head = '', tail] = hostname.slice(1, -1).split('::');
  const words = (text: string | undefined) => (text ?? '').split(':').filter((word) => word !== '');
  const front = words(head);
  const back = words(tail);
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0');
  return [...front, ...zeros, ...back].reduce((value, word) => value * 65_536n + BigInt(`0x${word}`), 0n);
}

function writeV6(value: bigint): string {
  const words = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  return new URL(`http://[${words.join(':')}]/`).hostname.slice(1, -1);
}
