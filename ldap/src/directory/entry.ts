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
  /** The user behind it. */
  readonly userPk: number | undefined;
  /** False once the core has let go of it. */
  readonly isThere: boolean;
  /** Types of its attributes in the order in which they are sent; some may be without a value. */
  readonly types: readonly AttributeType[];
  /** Values of a type; empty when the entry does not have it. */
  values(type: AttributeType): readonly string[];
  has(type: AttributeType): boolean;
  /** Whether a value of the type names that entry; `undefined` when only comparing the values can tell. */
  refersTo(type: AttributeType, key: DnKey): boolean | undefined;
}

/** Of attributes that are known as such: the server's own entries, and single values under test. */
export class PlainEntry implements Entry {
  readonly kind: EntryKind;
  readonly dn: string;
  readonly key: DnKey;
  readonly userPk = undefined;
  readonly isThere = true;
  readonly attributes: readonly EntryAttribute[];

  constructor({ kind, dn, key, attributes }: Pick<PlainEntry, 'kind' | 'dn' | 'key' | 'attributes'>) {
    this.kind = kind;
    this.dn = dn;
    this.key = key;
    this.attributes = attributes;
  }

  get types(): readonly AttributeType[] {
    return this.attributes.map(({ type }) => type);
  }

  values(type: AttributeType): readonly string[] {
    for (const attribute of this.attributes) if (attribute.type === type) return attribute.values;
    return [];
  }

  has(type: AttributeType): boolean {
    return this.values(type).length > 0;
  }

  refersTo(): undefined {
    return undefined;
  }
}
