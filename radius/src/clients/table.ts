// Which provider serves a source address: the longest prefix; of equal ones the lowest pk (radius.md §4.2). Built whole at
// each refresh; what is no network is reported and passed over. Called for every datagram, so answers are remembered.
import type { Logger } from '@gatehouse/daemon/log';
import { createCidrSet, parseCidr } from '@gatehouse/daemon/net';
import type { Provider } from './provider.ts';

export interface Client {
  readonly provider: Provider;
  readonly cidr: string;
}

export interface ClientTable {
  /** @param address canonical text; some 100 ns for an address seen before */
  find(address: string): Client | undefined;
  readonly providers: readonly Provider[];
}

/** Addresses remembered; forged sources must not fill the memory. */
const maxRemembered = 10_000;

export function createClientTable(providers: readonly Provider[], log: Logger): ClientTable {
  const byNetwork = new Map<string, Provider>();
  for (const provider of providers.toSorted((one, other) => one.pk - other.pk)) {
    for (const entry of provider.networks) addNetwork(byNetwork, entry, provider, log);
  }
  const networks = createCidrSet([...byNetwork.keys()]);
  const remembered = new Map<string, Client | undefined>();
  return {
    providers,
    find(address) {
      if (remembered.has(address)) return remembered.get(address);
      const cidr = networks.longest(address);
      const provider = cidr === undefined ? undefined : byNetwork.get(cidr);
      const client = provider === undefined || cidr === undefined ? undefined : { provider, cidr };
      if (remembered.size >= maxRemembered) remembered.clear();
      remembered.set(address, client);
      return client;
    },
  };
}

function addNetwork(known: Map<string, Provider>, entry: string, provider: Provider, log: Logger): void {
  const canonical = canonicalNetwork(entry);
  if (canonical === undefined) {
    log.error('Failed to parse CIDR', { cidr: entry, provider: provider.name, error: 'not address/prefix' });
    return;
  }
  const first = known.get(canonical);
  if (first === undefined) known.set(canonical, provider);
  else if (first.pk !== provider.pk)
    log.warn('two providers have one client network', { cidr: entry, provider: provider.name, name: first.name });
}

/** Host bits cleared, so that two spellings of one network are one. */
function canonicalNetwork(entry: string): string | undefined {
  try {
    const { version, bits, prefix } = parseCidr(entry);
    const width = version === 4 ? 8 : 16;
    const groups = Array.from({ length: version === 4 ? 4 : 8 }, (_, at, last = (version === 4 ? 3 : 7) - at) =>
      Number((bits >> BigInt(last * width)) & ((1n << BigInt(width)) - 1n)),
    );
    const address = version === 4 ? groups.join('.') : groups.map((group) => group.toString(16)).join(':');
    return `${address}/${prefix}`;
  } catch {
    return undefined; // ERR_NET_CIDR; the caller reports it
  }
}
