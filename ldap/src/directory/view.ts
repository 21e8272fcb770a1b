// A set of entries as somebody may see them. What a filter can match is asked for by indexes; an answer may hold too much,
// because every entry is tested with the whole filter, but never too little.
import { type DnKey, isWithin, parentKey, type Scope } from '@gatehouse/wire/ldap';
import { type AttributeType, baseName, knownTypes } from './attribute-types.ts';
import type { Entry } from './entry.ts';
import { allKinds, fixed, type Kinds, type Ref, refOf, rowOf } from './kinds.ts';

/** References, each once or more often, in any order. */
export type Refs = ArrayLike<Ref>;

export interface DirectoryView {
  find(key: DnKey): Entry | undefined;
  /** The closest entry above a name that is not there. */
  nearest(key: DnKey): Entry | undefined;
  /** Types that a description can mean here; none for a name that no entry knows. */
  typesOf(description: string): readonly AttributeType[];
  entry(ref: Ref): Entry;
  /** One entry object for many references, to test them; each call changes what the last one returned. */
  probe(): (ref: Ref) => Entry;
  /** In the order in which they are sent. */
  all(kinds: Kinds): Refs;
  /** Kinds whose entries can be in scope at all, and whether an entry of them is. */
  scope(base: DnKey, scope: Scope): { readonly kinds: Kinds; readonly holds: (ref: Ref) => boolean };
  /** Kinds whose entries can have this object class. */
  kindsWithClass(folded: string): Kinds;
  /** `value` is normalised. `undefined`: no index can tell. */
  withValue(type: AttributeType, value: string, kinds: Kinds): Refs | undefined;
  withPrefix(type: AttributeType, prefix: string, kinds: Kinds): Refs | undefined;
  /** `texts` are folded by `foldPart`, and all in one value. */
  withTexts(type: AttributeType, texts: readonly string[], kinds: Kinds): Refs | undefined;
  /** Normalised bounds, both included; `undefined` is open. */
  within(type: AttributeType, least: string | undefined, most: string | undefined, kinds: Kinds): Refs | undefined;
  having(type: AttributeType, kinds: Kinds): Refs | undefined;
}

/** Types by name: the known ones, and those that administrators made up. */
export function typesNamed(
  description: string,
  custom: (folded: string) => AttributeType | undefined,
): readonly AttributeType[] {
  const known = knownTypes(description);
  if (known.length > 0) return known;
  const found = custom(baseName(description));
  return found === undefined ? [] : [found];
}

export function nearestOf(view: Pick<DirectoryView, 'find'>, key: DnKey): Entry | undefined {
  for (let at: DnKey | undefined = parentKey(key); at !== undefined && at !== ''; at = parentKey(at)) {
    const found = view.find(at);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A handful of entries that are simply looked at: the server's own. */
export class PlainView implements DirectoryView {
  readonly #entries: readonly Entry[];
  readonly #customTypes: (folded: string) => AttributeType | undefined;

  constructor(entries: readonly Entry[], customTypes: (folded: string) => AttributeType | undefined) {
    this.#entries = entries;
    this.#customTypes = customTypes;
  }

  find(key: DnKey): Entry | undefined {
    return this.#entries.find((entry) => entry.key === key);
  }

  nearest(key: DnKey): Entry | undefined {
    return nearestOf(this, key);
  }

  typesOf(description: string): readonly AttributeType[] {
    return typesNamed(description, this.#customTypes);
  }

  entry(ref: Ref): Entry {
    const found = this.#entries[rowOf(ref)];
    if (found === undefined) throw new RangeError(`no entry ${ref}`);
    return found;
  }

  probe(): (ref: Ref) => Entry {
    return (ref) => this.entry(ref);
  }

  all(): Refs {
    return this.#entries.map((_, at) => refOf(fixed, at));
  }

  /** Whoever asks for one of these is meant to find it, however the search names it, but by one level. */
  scope(_base: DnKey, scope: Scope): ReturnType<DirectoryView['scope']> {
    return { kinds: allKinds, holds: () => scope !== 'singleLevel' };
  }

  kindsWithClass(): Kinds {
    return allKinds;
  }

  withValue(): undefined {
    return undefined;
  }

  withPrefix(): undefined {
    return undefined;
  }

  withTexts(): undefined {
    return undefined;
  }

  within(): undefined {
    return undefined;
  }

  having(): undefined {
    return undefined;
  }
}

/** RFC 4511 §4.5.1.2. */
export function isInScope(key: DnKey, base: DnKey, scope: Scope): boolean {
  switch (scope) {
    case 'baseObject':
      return key === base;
    case 'singleLevel':
      return key !== base && parentKey(key) === base;
    case 'wholeSubtree':
      return isWithin(key, base);
    case 'subordinateSubtree':
      return key !== base && isWithin(key, base);
  }
}
