// What a direct search must ask the core (ldap.md §8.3, §7.4): derived from base, scope and filter, and never more than can
// match. The answer may hold too much, since every entry is still tested; it must never hold too little.
import { type DnKey, dnKey, type Filter, isWithin, parseDn, type Scope } from '@gatehouse/wire/ldap';
import type { Provider } from '../providers/provider.ts';
import type { AttributeMap, StoredKind } from './attribute-map.ts';
import { type AttributeType, attribute, baseName, knownTypes } from './attribute-types.ts';
import { textOf } from './filter.ts';
import { group as groupCode, user as userCode, virtual as virtualCode } from './kinds.ts';
import { storedFilter } from './mapped-filter.ts';
import type { LimitRule } from './row-limits.ts';

/** One listing of the core; `{}` lists everything. */
export type Listing = Readonly<Record<string, string>>;

export interface Needs {
  readonly users: readonly Listing[];
  readonly groups: readonly Listing[];
  /** Names of groups that are wanted with all groups below them. */
  readonly trees?: readonly string[];
}

const nothing: readonly Listing[] = [];
const everything: readonly Listing[] = [{}];

const userClasses = new Set([
  'top',
  'person',
  'organizationalperson',
  'inetorgperson',
  'user',
  'posixaccount',
  'goauthentik.io/ldap/user',
]);
const groupClasses = new Set([
  'group',
  'groupofuniquenames',
  'groupofnames',
  'goauthentik.io/ldap/group',
  'posixgroup',
]);
const virtualClasses = new Set([...groupClasses, 'goauthentik.io/ldap/virtual-group']);

type Kind = 'user' | 'group' | 'virtual group';

export interface NeedsRequest {
  readonly base: DnKey;
  readonly scope: Scope;
  readonly filter: Filter;
  /** Names of what will be read besides what the filter names. */
  readonly attributes: readonly string[];
}

/** @param policy where names, values and rows are not simply those of the core */
export function needsOf(request: NeedsRequest, provider: Provider, policy?: NeedsPolicy): Needs {
  const { base, scope, filter } = request;
  if (hasChain(filter)) return { users: everything, groups: everything };
  const wants = (container: DnKey) => wantsFrom(container, base, scope, provider);
  const filterFor = (kind: StoredKind) => (policy?.map === undefined ? filter : storedFilter(filter, kind, policy.map));
  const users = wants(provider.users.key);
  const virtual = wants(provider.virtualGroups.key);
  const groups = wants(provider.groups.key);
  const needs = {
    users: merge([
      ...(users === undefined ? [] : narrow(users, filterFor(userCode), 'user', provider)),
      ...(virtual === undefined ? [] : narrow(virtual, filterFor(virtualCode), 'virtual group', provider)),
    ]),
    groups: readsNesting(request, policy?.map)
      ? everything
      : groups === undefined
        ? nothing
        : narrow(groups, filterFor(groupCode), 'group', provider),
  };
  const limits = policy?.limits;
  if (limits === undefined) return needs;
  // Members of a group are shown by what is known of each of them.
  return { ...needs, users: needs.groups.length > 0 ? everything : needs.users, trees: limits.usersIn ?? [] };
}

type NeedsPolicy = { readonly map: AttributeMap | undefined; readonly limits: LimitRule | undefined };

/** `undefined`: nothing of this container is in scope; a name: only the entry called so; null: any of them. */
function wantsFrom(container: DnKey, base: DnKey, scope: Scope, provider: Provider): string | null | undefined {
  if (base === container) return scope === 'baseObject' ? undefined : null;
  if (base === provider.base.key) return scope === 'wholeSubtree' || scope === 'subordinateSubtree' ? null : undefined;
  if (!isWithin(base, container)) return undefined;
  if (scope === 'singleLevel' || scope === 'subordinateSubtree') return undefined;
  const [first] = parseDn(base);
  return first?.find(({ type }) => type === 'cn')?.value;
}

function narrow(name: string | null, filter: Filter, kind: Kind, provider: Provider): readonly Listing[] {
  if (name !== null) return [kind === 'group' ? { name } : { username: name }];
  return listingsOf(filter, kind, provider) ?? everything;
}

/** `undefined` when the filter does not narrow. */
function listingsOf(filter: Filter, kind: Kind, provider: Provider): readonly Listing[] | undefined {
  if (filter.kind === 'and') {
    const parts = filter.filters.flatMap((inner) => [listingsOf(inner, kind, provider)]);
    const known = parts.filter((part) => part !== undefined);
    return known.sort((one, other) => weight(one) - weight(other))[0];
  }
  if (filter.kind === 'or') {
    const parts = filter.filters.map((inner) => listingsOf(inner, kind, provider));
    return parts.includes(undefined) ? undefined : merge(parts.flatMap((part) => part ?? []));
  }
  if (filter.kind !== 'equalityMatch') return undefined;
  const name = baseName(filter.attribute);
  const value = textOf(filter.value);
  if (name === 'objectclass') return classesOf(kind).has(value.toLowerCase()) ? undefined : nothing;
  return kind === 'group' ? groupListing(name, value, provider) : userListing(name, value, kind, provider);
}

const classesOf = (kind: Kind) => (kind === 'user' ? userClasses : kind === 'group' ? groupClasses : virtualClasses);

function userListing(
  name: string,
  value: string,
  kind: 'user' | 'virtual group',
  provider: Provider,
): readonly Listing[] | undefined {
  switch (name) {
    case 'cn':
    case 'samaccountname':
      return [{ username: value }];
    case 'mail':
      return kind === 'user' ? [{ email: value }] : nothing;
    case 'displayname':
    case 'name':
    case 'sn':
      return kind === 'user' ? [{ name: value }] : nothing;
    case 'memberof': {
      const group = kind === 'user' ? nameBelow(value, provider.groups.key) : undefined;
      return group === undefined ? nothing : [{ groups_by_name: group }];
    }
    case 'member':
    case 'uniquemember': {
      const user = kind === 'virtual group' ? nameBelow(value, provider.users.key) : undefined;
      return user === undefined ? nothing : [{ username: user }];
    }
    case 'memberuid':
      return kind === 'virtual group' ? [{ username: value }] : nothing;
    default:
      return undefined;
  }
}

function groupListing(name: string, value: string, provider: Provider): readonly Listing[] | undefined {
  switch (name) {
    case 'cn':
    case 'samaccountname':
      return [{ name: value }];
    case 'memberuid':
      return [{ members_by_username: value }];
    case 'member':
    case 'uniquemember': {
      const user = nameBelow(value, provider.users.key);
      if (user !== undefined) return [{ members_by_username: user }];
      return nameBelow(value, provider.groups.key) === undefined ? nothing : undefined;
    }
    default:
      return undefined;
  }
}

/** Value of `cn` when the DN names an entry of the container. */
function nameBelow(dn: string, container: DnKey): string | undefined {
  try {
    const [first, ...rest] = parseDn(dn);
    const inside = dnKey(rest) === container;
    return inside ? first?.find(({ type }) => type.toLowerCase() === 'cn')?.value : undefined;
  } catch {
    return undefined; // no DN at all: nothing is called so
  }
}

/** The narrower, the earlier: nothing, then names, then memberships. */
function weight(listings: readonly Listing[]): number {
  return listings.reduce(
    (sum, listing) => sum + ('groups_by_name' in listing || 'members_by_username' in listing ? 50 : 1),
    0,
  );
}

function merge(listings: readonly Listing[]): readonly Listing[] {
  if (listings.some((listing) => Object.keys(listing).length === 0)) return everything;
  return [...new Map(listings.map((listing) => [JSON.stringify(listing), listing])).values()];
}

const nested: ReadonlySet<AttributeType> = new Set<AttributeType>([
  attribute.memberTransitive,
  attribute.memberOfTransitive,
]);

/** Whether effective membership is read, which takes all groups. */
function readsNesting({ filter, attributes }: NeedsRequest, map: AttributeMap | undefined): boolean {
  const isNested = (name: string) => knownTypes(name.trim()).some((type) => nested.has(type));
  return (
    attributes.flatMap((name) => name.split(',')).some(isNested) || namesIn(filter).some(isNested) || mapsNesting(map)
  );
}

function mapsNesting(map: AttributeMap | undefined): boolean {
  const sources = map === undefined ? [] : Object.values(map.sources).flatMap((one) => [...one.values()]);
  return sources.some((source) => {
    if (source.kind === 'copy') return nested.has(source.of);
    const templates = source.kind === 'templates' ? source.templates : [];
    return templates.some(({ parts }) => parts.some((part) => typeof part !== 'string' && nested.has(part.type)));
  });
}

/** Attributes that a filter names, at any depth. */
function namesIn(filter: Filter): readonly string[] {
  if ('filters' in filter) return filter.filters.flatMap(namesIn);
  if ('filter' in filter) return namesIn(filter.filter);
  return filter.attribute === undefined ? [] : [filter.attribute];
}

function hasChain(filter: Filter): boolean {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.some(hasChain);
    case 'not':
      return hasChain(filter.filter);
    case 'extensibleMatch':
      return filter.rule === '1.2.840.113556.1.4.1941';
    default:
      return false;
  }
}
