// Which provider a bind DN belongs to, and whose name it holds (ldap.md §5.3): the most specific base wins, and the first
// `cn` from the left is the name. Where it is allowed, also the forms that devices made for other directories send.
import { type DnKey, dnKey, isWithin, parseDn, plainDnKey } from '@gatehouse/wire/ldap';
import type { Provider } from '../providers/provider.ts';

export interface BindName {
  readonly provider: Provider;
  readonly username: string;
}

/** @param extraForms also `uid=` and `sAMAccountName=`, a bare name, `name@domain` and `DOMAIN\\name` */
export function readBindName(name: string, providers: readonly Provider[], extraForms = false): BindName | undefined {
  const parsed = (extraForms ? undefined : plainName(name)) ?? parse(name, extraForms) ?? rawName(name, providers);
  if (parsed === undefined) return extraForms ? foreignName(name, providers) : undefined;
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

const plainTypes = ['cn'];
const foreignTypes = ['cn', 'uid', 'samaccountname'];

function parse(dn: string, extraForms: boolean): Parsed | undefined {
  const types = extraForms ? foreignTypes : plainTypes;
  try {
    const rdns = parseDn(dn);
    const username = rdns.flat().find(({ type }) => types.includes(type.toLowerCase()))?.value;
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

/** No DN at all. The domain of a provider is the `dc` parts of its base; with one provider only it need not be told. */
function foreignName(name: string, providers: readonly Provider[]): BindName | undefined {
  const [only, ...others] = providers;
  const sole = others.length === 0 ? only : undefined;
  const { domain, username } = splitDomain(name);
  const named = domain === undefined ? undefined : providers.find((provider) => isDomainOf(provider, domain));
  const provider = named ?? sole;
  if (provider === undefined || username === '') return undefined;
  // Of another domain, so it is no UPN of ours: an e-mail address, which the flow may know.
  return { provider, username: named === undefined && name.includes('@') ? name : username };
}

function splitDomain(name: string): { readonly domain: string | undefined; readonly username: string } {
  const backslash = name.indexOf('\\');
  if (backslash > 0) return { domain: name.slice(0, backslash), username: name.slice(backslash + 1) };
  const at = name.lastIndexOf('@');
  return at > 0 ? { domain: name.slice(at + 1), username: name.slice(0, at) } : { domain: undefined, username: name };
}

function isDomainOf({ base }: Provider, domain: string): boolean {
  const labels = base.key.split(',').flatMap((rdn) => (rdn.startsWith('dc=') ? [rdn.slice(3)] : []));
  const folded = domain.toLowerCase();
  return labels.join('.') === folded || labels[0] === folded;
}
