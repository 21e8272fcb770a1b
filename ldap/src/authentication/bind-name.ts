// Which provider a bind DN belongs to, and whose name it holds (ldap.md §5.3): the most specific base wins, and the first
// `cn` from the left is the name.
import { dnKey, isWithin, parseDn } from '@gatehouse/wire/ldap';
import type { Provider } from '../providers/provider.ts';

export interface BindName {
  readonly provider: Provider;
  readonly username: string;
}

export function readBindName(dn: string, providers: readonly Provider[]): BindName | undefined {
  const parsed = parse(dn) ?? rawName(dn, providers);
  if (parsed === undefined) return undefined;
  const { rdns, username } = parsed;
  const key = dnKey(rdns);
  const provider = providers
    .filter(({ base }) => isWithin(key, base.key))
    .reduce<Provider | undefined>(
      (best, one) => (best === undefined || one.base.key.length > best.base.key.length ? one : best),
      undefined,
    );
  return provider === undefined || username === undefined || username === '' ? undefined : { provider, username };
}

interface Parsed {
  readonly rdns: ReturnType<typeof parseDn>;
  readonly username: string | undefined;
}

function parse(dn: string): Parsed | undefined {
  try {
    const rdns = parseDn(dn);
    const username = rdns.flat().find(({ type }) => type.toLowerCase() === 'cn')?.value;
    return { rdns, username };
  } catch {
    return undefined;
  }
}

/** Names sent without the escapes they need: everything between `cn=` and the users container. */
function rawName(dn: string, providers: readonly Provider[]): Parsed | undefined {
  for (const { users } of providers) {
    const suffix = `,${users.dn}`;
    if (!/^cn=/i.test(dn) || !dn.toLowerCase().endsWith(suffix)) continue;
    const username = dn.slice(3, dn.length - suffix.length);
    return { rdns: [[{ type: 'cn', value: username }], ...parseDn(users.dn)], username };
  }
  return undefined;
}
