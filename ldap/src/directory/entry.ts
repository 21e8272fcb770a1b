// An entry: its name and its attributes in the order in which they are sent.
import type { DnKey } from '@gatehouse/wire/ldap';
import type { AttributeType } from './attribute-types.ts';

export interface EntryAttribute {
  readonly type: AttributeType;
  readonly values: readonly string[];
}

export type EntryKind = 'root' | 'subschema' | 'domain' | 'container' | 'user' | 'group' | 'virtual group';

export interface Entry {
  readonly kind: EntryKind;
  readonly dn: string;
  readonly key: DnKey;
  readonly parent: DnKey | undefined;
  readonly attributes: readonly EntryAttribute[];
  /** The user behind it. */
  readonly userPk?: number;
}

/** Values of a type; empty when the entry does not have it. */
export function valuesOf(entry: Entry, type: AttributeType): readonly string[] {
  for (const attribute of entry.attributes) if (attribute.type === type) return attribute.values;
  return [];
}
