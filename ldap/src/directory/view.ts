// A set of entries as somebody may see them, complete and unchanging, with indexes that are made when first asked for.
import { type DnKey, isWithin, parentKey, type Scope } from '@gatehouse/wire/ldap';
import { type AttributeType, baseName, knownTypes, normalise } from './attribute-types.ts';
import { type Entry, valuesOf } from './entry.ts';

/** Attributes with an index in memory; more would only cost memory. */
const mostIndexes = 40;

export class DirectoryView {
  readonly entries: readonly Entry[];
  readonly #byKey = new Map<DnKey, number>();
  readonly #equality = new Map<AttributeType, ReadonlyMap<string, readonly number[]>>();
  readonly #sorted = new Map<AttributeType, readonly (readonly [string, number])[]>();
  readonly #customTypes: (folded: string) => AttributeType | undefined;

  /** `entries` in the order in which they are sent. */
  constructor(entries: readonly Entry[], customTypes: (folded: string) => AttributeType | undefined) {
    this.entries = entries;
    this.#customTypes = customTypes;
    for (const [at, entry] of entries.entries()) if (!this.#byKey.has(entry.key)) this.#byKey.set(entry.key, at);
  }

  find(key: DnKey): Entry | undefined {
    const at = this.#byKey.get(key);
    return at === undefined ? undefined : this.entries[at];
  }

  /** The closest entry above a name that is not there. */
  nearest(key: DnKey): Entry | undefined {
    for (let at: DnKey | undefined = parentKey(key); at !== undefined && at !== ''; at = parentKey(at)) {
      const found = this.find(at);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  isInScope(entry: Entry, base: DnKey, scope: Scope): boolean {
    switch (scope) {
      case 'baseObject':
        return entry.key === base;
      case 'singleLevel':
        return entry.parent === base;
      case 'wholeSubtree':
        return isWithin(entry.key, base);
      case 'subordinateSubtree':
        return entry.key !== base && isWithin(entry.key, base);
    }
  }

  /** Types that a description can mean here; none for a name that no entry knows. */
  typesOf(description: string): readonly AttributeType[] {
    const known = knownTypes(description);
    if (known.length > 0) return known;
    const custom = this.#customTypes(baseName(description));
    return custom === undefined ? [] : [custom];
  }

  /** Positions of the entries with this value; `value` is normalised. */
  withValue(type: AttributeType, value: string): readonly number[] | undefined {
    const index = this.#equality.get(type) ?? this.#makeEquality(type);
    return index === undefined ? undefined : (index.get(value) ?? []);
  }

  /** Positions of entries with a value that starts with the prefix, which is normalised; each once, unsorted. */
  withPrefix(type: AttributeType, prefix: string): readonly number[] | undefined {
    const index = this.#sorted.get(type) ?? this.#makeSorted(type);
    if (index === undefined) return undefined;
    const found = new Set<number>();
    for (let at = lowerBound(index, prefix); at < index.length; at += 1) {
      const [value, position] = index[at] ?? ['', 0];
      if (!value.startsWith(prefix)) break;
      found.add(position);
    }
    return [...found];
  }

  #makeEquality(type: AttributeType): ReadonlyMap<string, readonly number[]> | undefined {
    if (this.#equality.size >= mostIndexes) return undefined;
    const index = new Map<string, number[]>();
    for (const [at, entry] of this.entries.entries())
      for (const value of valuesOf(entry, type)) {
        const key = normalise(type.syntax, value);
        if (key === undefined) continue;
        const positions = index.get(key);
        if (positions === undefined) index.set(key, [at]);
        else if (positions.at(-1) !== at) positions.push(at);
      }
    this.#equality.set(type, index);
    return index;
  }

  #makeSorted(type: AttributeType): readonly (readonly [string, number])[] | undefined {
    if (type.syntax !== 'directoryString' || this.#sorted.size >= mostIndexes) return undefined;
    const pairs: [string, number][] = [];
    for (const [at, entry] of this.entries.entries())
      for (const value of valuesOf(entry, type)) pairs.push([normalise(type.syntax, value) ?? '', at]);
    pairs.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
    this.#sorted.set(type, pairs);
    return pairs;
  }
}

function lowerBound(pairs: readonly (readonly [string, number])[], value: string): number {
  let low = 0;
  let high = pairs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pairs[middle]?.[0] ?? '') < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
