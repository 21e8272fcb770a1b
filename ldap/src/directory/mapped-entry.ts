// An entry as a policy shows it: the names and values that the policy declares, read from the stored entry when asked.
import type { DnKey } from '@gatehouse/wire/ldap';
import { type AttributeMap, sourceOf } from './attribute-map.ts';
import type { AttributeType } from './attribute-types.ts';
import type { Entry, EntryKind } from './entry.ts';
import type { StoredEntry } from './stored-entry.ts';
import { valuesOf } from './template.ts';

const none: readonly string[] = [];

export class MappedEntry implements Entry {
  readonly stored: StoredEntry;
  readonly #map: AttributeMap;

  constructor(stored: StoredEntry, map: AttributeMap) {
    this.stored = stored;
    this.#map = map;
  }

  get kind(): EntryKind {
    return this.stored.kind;
  }

  get dn(): string {
    return this.stored.dn;
  }

  get key(): DnKey {
    return this.stored.key;
  }

  get userPk(): number | undefined {
    return this.stored.userPk;
  }

  get isThere(): boolean {
    return this.stored.isThere;
  }

  get types(): readonly AttributeType[] {
    const map = this.#map;
    const stored = this.stored.types;
    const declared = map.sources[this.stored.code];
    const types = stored.filter((type) => !declared.has(type) && !map.hides(type) && !isNamed(map, type));
    for (const type of declared.keys()) {
      const copied = this.copied(type);
      if (copied === undefined ? this.has(type) : stored.includes(copied)) types.push(type);
    }
    return types;
  }

  /** The attribute of the stored entry that a type shows unchanged. */
  copied(type: AttributeType): AttributeType | undefined {
    const source = sourceOf(this.#map, this.stored.code, type);
    return source?.kind === 'copy' ? source.of : undefined;
  }

  values(type: AttributeType): readonly string[] {
    const source = sourceOf(this.#map, this.stored.code, type);
    if (source === undefined) return none;
    if (source.kind === 'copy') {
      const copied = this.stored.values(source.of);
      return type.singleValue && copied.length > 1 ? copied.slice(0, 1) : copied;
    }
    const made = source.templates.flatMap((template) => valuesOf(template, this.stored));
    return type.singleValue ? made.slice(0, 1) : [...new Set(made)];
  }

  has(type: AttributeType): boolean {
    const copied = this.copied(type);
    return copied === undefined ? this.values(type).length > 0 : this.stored.has(copied);
  }

  refersTo(type: AttributeType, key: DnKey): boolean | undefined {
    const source = sourceOf(this.#map, this.stored.code, type);
    if (source === undefined) return false;
    return source.kind === 'copy' ? this.stored.refersTo(source.of, key) : undefined;
  }
}

/** A stored type whose name the map has given to another. */
function isNamed({ named }: AttributeMap, type: AttributeType): boolean {
  const other = named.get(type.name.toLowerCase());
  return other !== undefined && other !== type;
}
