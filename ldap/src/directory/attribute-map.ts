// What a policy makes of the attributes of entries: under which name which value is shown, and what is not shown at all.
// Types are those that clients name; what is not mapped is shown as it is.
import type { AttributeType } from './attribute-types.ts';
import { attribute } from './attribute-types.ts';
import type { group, user, virtual } from './kinds.ts';
import type { Template } from './template.ts';

export type StoredKind = typeof user | typeof group | typeof virtual;

/** Its values go by another name. */
export interface Absent {
  readonly kind: 'absent';
}

export type Source =
  | Absent
  | { readonly kind: 'copy'; readonly of: AttributeType }
  | { readonly kind: 'templates'; readonly templates: readonly Template[] };

export interface AttributeMap {
  readonly sources: Readonly<Record<StoredKind, ReadonlyMap<AttributeType, Source>>>;
  /** Types that only this map has, by name in lower case. */
  readonly named: ReadonlyMap<string, AttributeType>;
  hides(type: AttributeType): boolean;
}

/** Where the values of a type come from; `undefined`: nowhere. */
export function sourceOf(
  map: AttributeMap,
  kind: StoredKind,
  type: AttributeType,
): Exclude<Source, Absent> | undefined {
  if (map.hides(type)) return undefined;
  const source = map.sources[kind].get(type) ?? { kind: 'copy', of: type };
  return source.kind === 'absent' ? undefined : source;
}

/**
 * What every entry shows, or says with its name: the names of entries, their classes, and what the server says of itself. None of
 * it can be hidden or mapped.
 */
export const fixedTypes: ReadonlySet<AttributeType> = new Set<AttributeType>([
  attribute.objectClass,
  attribute.cn,
  attribute.commonName,
  attribute.ou,
  attribute.dc,
  attribute.distinguishedName,
  attribute.entryDN,
  attribute.rootEntryDN,
  attribute.hasSubordinates,
  attribute.structuralObjectClass,
  attribute.subschemaSubentry,
  attribute.rootSubschemaSubentry,
  attribute.supportedLDAPVersion,
  attribute.supportedCapabilities,
  attribute.supportedControl,
  attribute.supportedExtension,
  attribute.supportedFeatures,
  attribute.supportedSASLMechanisms,
  attribute.namingContexts,
  attribute.rootDomainNamingContext,
  attribute.defaultNamingContext,
  attribute.vendorName,
  attribute.vendorVersion,
]);
