// Which provider a bind DN belongs to, and whose name it holds (ldap.md §5.3): the most specific base wins, and the first
// `cn` from the left is the name.
import { type DnKey, dnKey, isWithin, parseDn, plainDnKey } from '@gatehouse/wire/ldap';
import type { Provider } from '../providers/provider.ts';

export interface BindName {
  readonly provider: Provider;
  readonly username: string;
}

export function readBindName(dn: string, providers: readonly Provider[]): BindName | undefined {
  const parsed = plainName(dn) ?? parse(dn) ?? rawName(dn, providers);
  if (parsed === undefined) return undefined;
  const { key, username } = parsed;
  let provider: Provider | undefined;
  for (const one of providers)
    if (isWithin(key, one.base.key) && (provider === undefined || one.base.key.length > provider.base.key.length))
      provider = one;
  return provider === undefined || username === undefined || username === '' ? undefined : { provider, username };
}

interface Parsed {
  readonly key: DnKey;
  readonly username: string | undefined;
}

/** The usual name, read without parsing it. */
function plainName(dn: string): Parsed | undefined {
  const key = plainDnKey(dn);
  return key === undefined ? undefined : { key, username: /(?:^|,)cn=([^,]*)/i.exec(dn)?.[1] };
}

function parse(dn: string): Parsed | undefined {
  try {
    const rdns = parseDn(dn);
    const username = rdns.flat().find(({ type }) => type.toLowerCase() === 'cn')?.value;
    return { key: dnKey(rdns), username };
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
    return { key: dnKey([[{ type: 'cn', value: username }], ...parseDn(users.dn)]), username };
  }
  return undefined;
}
