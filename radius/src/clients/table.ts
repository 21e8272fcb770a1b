// Which provider serves a source address: the longest prefix; of equal ones the lowest pk (radius.md §4.2). Built whole at
// each refresh; what is no network is reported and passed over. Called for every datagram, so answers are remembered.
import type { Logger } from '@gatehouse/daemon/log';
import { parseCidr } from '@gatehouse/daemon/net';
import type { PacketKey } from '@gatehouse/wire/radius';
import { createPrefixTable, type Network } from './prefix-table.ts';
import type { Provider } from './provider.ts';
import type { ClientSettings } from './settings.ts';

/** What the policy file says for an address of a provider. */
export interface Refinement {
  readonly settings: ClientSettings;
  /** In place of the provider's. */
  readonly key?: PacketKey;
}
export type Refine = (app: string, address: string) => Refinement;

export interface Client {
  readonly provider: Provider;
  /** Of the provider, unless the policy file has another for this address. */
  readonly key: PacketKey | undefined;
  readonly cidr: string;
  readonly settings: ClientSettings;
}

type Complaints = Pick<Logger, 'warn' | 'error'>;

export interface ClientTable {
  /** @param address canonical text; some 50 ns for an address seen before, under 1 µs for a new one without policy */
  find(address: string): Client | undefined;
  readonly providers: readonly Provider[];
}

/** Addresses remembered; forged sources must not fill the memory. */
const maxRemembered = 10_000;

export function createClientTable(providers: readonly Provider[], refine: Refine, log: Complaints): ClientTable {
  const networks = createPrefixTable(networksOf(providers, log));
  const remembered = new Map<string, Client | undefined>();
  const look = (address: string): Client | undefined => {
    const found = networks.find(address);
    if (found === undefined) return undefined;
    const { settings, key = found.provider.key } = refine(found.provider.app, address);
    return { ...found, settings, key };
  };
  return {
    providers,
    find(address) {
      const known = remembered.get(address);
      if (known !== undefined || remembered.has(address)) return known;
      const client = look(address);
      if (remembered.size >= maxRemembered) remembered.clear();
      remembered.set(address, client);
      return client;
    },
  };
}

interface Served {
  readonly provider: Provider;
  readonly cidr: string;
}

/** Every network of every provider once: two providers with one network are named, and the lower pk has it. */
function networksOf(providers: readonly Provider[], log: Complaints): Network<Served>[] {
  const found = new Map<string, Network<Served>>();
  for (const provider of providers.toSorted((one, other) => one.pk - other.pk)) {
    for (const cidr of provider.networks) {
      const network = readNetwork(cidr);
      if (network === undefined) {
        log.error('Failed to parse CIDR', { cidr, provider: provider.name, error: 'not address/prefix' });
        continue;
      }
      const { bytes, prefix } = network;
      const same = `${bytes.toString('hex')}/${prefix}`;
      const first = found.get(same)?.value.provider;
      if (first === undefined) found.set(same, { bytes, prefix, value: { provider, cidr } });
      else if (first.pk !== provider.pk)
        log.warn('two providers have one client network', { cidr, provider: provider.name, name: first.name });
    }
  }
  return [...found.values()];
}

/** Host bits cleared, so that two spellings of one network are one. */
export function readNetwork(cidr: string): { readonly bytes: Buffer; readonly prefix: number } | undefined {
  try {
    const { version, bits, prefix } = parseCidr(cidr);
    const digits = version === 4 ? 8 : 32;
    return { bytes: Buffer.from(bits.toString(16).padStart(digits, '0'), 'hex'), prefix };
  } catch {
    return undefined; // ERR_NET_CIDR; the caller reports it
  }
}
