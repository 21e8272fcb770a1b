// A view through the names that a policy declares. Whatever a client can ask by name goes through `typesOf`, so that what is hidden
// is nowhere: not in filters, orders, comparisons, selections. Indexes of the stored view are used where a declared value is that
// of a stored attribute, alone or with a text around it.
import type { DnKey, Scope } from '@gatehouse/wire/ldap';
import { type AttributeMap, type Source, type StoredKind, sourceOf } from './attribute-map.ts';
import { type AttributeType, baseName, type Syntax } from './attribute-types.ts';
import type { Entry } from './entry.ts';
import { bitOf, fixed, group, type Kinds, type Ref, user, virtual } from './kinds.ts';
import { MappedEntry } from './mapped-entry.ts';
import { StoredEntry } from './stored-entry.ts';
import type { StoredView } from './stored-view.ts';
import { affixed, prefixWithoutAffixes, withoutAffixes } from './template.ts';
import type { DirectoryView, Refs } from './view.ts';

export class MappedView implements DirectoryView {
  readonly #stored: StoredView;
  readonly #map: AttributeMap;

  constructor(stored: StoredView, map: AttributeMap) {
    this.#stored = stored;
    this.#map = map;
  }

  find(key: DnKey): Entry | undefined {
    return this.#mapped(this.#stored.find(key));
  }

  nearest(key: DnKey): Entry | undefined {
    return this.#mapped(this.#stored.nearest(key));
  }

  typesOf(description: string): readonly AttributeType[] {
    const own = this.#map.named.get(baseName(description));
    const types = own === undefined ? this.#stored.typesOf(description) : [own];
    return types.filter((type) => !this.#map.hides(type));
  }

  entry(ref: Ref): Entry {
    const found = this.#stored.entry(ref);
    return found instanceof StoredEntry ? new MappedEntry(found, this.#map) : found;
  }

  probe(): (ref: Ref) => Entry {
    const stored = this.#stored.probe();
    const made = new Map<Entry, MappedEntry>();
    return (ref) => {
      const found = stored(ref);
      if (!(found instanceof StoredEntry)) return found;
      const known = made.get(found) ?? new MappedEntry(found, this.#map);
      made.set(found, known);
      return known;
    };
  }

  all(kinds: Kinds): Refs {
    return this.#stored.all(kinds);
  }

  scope(base: DnKey, scope: Scope): ReturnType<DirectoryView['scope']> {
    return this.#stored.scope(base, scope);
  }

  kindsWithClass(folded: string): Kinds {
    return this.#stored.kindsWithClass(folded);
  }

  withValue(type: AttributeType, value: string, kinds: Kinds): Refs | undefined {
    return this.#gather(type, kinds, {
      copy: (of, kind) => (isComparable(type, of) ? this.#stored.withValue(of, value, kind) : undefined),
      templates: (templates, kind) =>
        united(templates, (template) => {
          const made = affixed(template);
          if (made === undefined || type.syntax !== 'directoryString') return undefined;
          const wanted = withoutAffixes(made, value);
          return wanted === undefined ? [] : this.#stored.withValue(made.type, wanted, kind);
        }),
    });
  }

  withPrefix(type: AttributeType, prefix: string, kinds: Kinds): Refs | undefined {
    return this.#gather(type, kinds, {
      copy: (of, kind) => (isComparable(type, of) ? this.#stored.withPrefix(of, prefix, kind) : undefined),
      templates: (templates, kind) =>
        united(templates, (template) => {
          const made = affixed(template);
          const wanted = made === undefined ? undefined : prefixWithoutAffixes(made, prefix);
          return made === undefined || wanted === undefined
            ? undefined
            : this.#stored.withPrefix(made.type, wanted, kind);
        }),
    });
  }

  withTexts(type: AttributeType, texts: readonly string[], kinds: Kinds): Refs | undefined {
    return this.#gather(type, kinds, {
      copy: (of, kind) => (isComparable(type, of) ? this.#stored.withTexts(of, texts, kind) : undefined),
      templates: () => undefined,
    });
  }

  within(type: AttributeType, least: string | undefined, most: string | undefined, kinds: Kinds): Refs | undefined {
    return this.#gather(type, kinds, {
      copy: (of, kind) => (type.syntax === of.syntax ? this.#stored.within(of, least, most, kind) : undefined),
      templates: () => undefined,
    });
  }

  having(type: AttributeType, kinds: Kinds): Refs | undefined {
    return this.#gather(type, kinds, {
      copy: (of, kind) => this.#stored.having(of, kind),
      templates: () => undefined,
    });
  }

  /** The same of each kind by its own source; `undefined` as soon as one kind cannot tell. */
  #gather(type: AttributeType, kinds: Kinds, look: Look): Refs | undefined {
    const refs: Ref[] = [];
    for (const kind of [fixed, user, group, virtual] as const) {
      const bit = bitOf(kind);
      if ((kinds & bit) === 0) continue;
      const found = kind === fixed ? this.#stored.all(bit) : this.#look(type, kind, look);
      if (found === undefined) return undefined;
      for (let at = 0; at < found.length; at += 1) refs.push(found[at] ?? 0);
    }
    return refs;
  }

  #look(type: AttributeType, kind: StoredKind, { copy, templates }: Look): Refs | undefined {
    const source = sourceOf(this.#map, kind, type);
    if (source === undefined) return [];
    return source.kind === 'copy' ? copy(source.of, bitOf(kind)) : templates(source.templates, bitOf(kind));
  }

  #mapped(entry: Entry | undefined): Entry | undefined {
    return entry instanceof StoredEntry ? new MappedEntry(entry, this.#map) : entry;
  }
}

interface Look {
  copy(of: AttributeType, kind: Kinds): Refs | undefined;
  templates(templates: Templates, kind: Kinds): Refs | undefined;
}

type Templates = Extract<Source, { kind: 'templates' }>['templates'];

function united(templates: Templates, look: (template: Templates[number]) => Refs | undefined): Refs | undefined {
  const refs: Ref[] = [];
  for (const template of templates) {
    const found = look(template);
    if (found === undefined) return undefined;
    for (let at = 0; at < found.length; at += 1) refs.push(found[at] ?? 0);
  }
  return refs;
}

/** Whether a value that is normalised for the one is so for the other. */
function isComparable({ syntax }: AttributeType, { syntax: other }: AttributeType): boolean {
  return syntax === other || (folded.has(syntax) && folded.has(other));
}

const folded: ReadonlySet<Syntax> = new Set<Syntax>(['directoryString', 'boolean', 'oid']);
