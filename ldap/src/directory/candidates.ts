// Which entries a filter can match at all, from the view's indexes (ldap.md §19.1). Always a superset of the matches: every
// candidate is still tested with the whole filter, so a wrong plan could only cost time.
import type { Filter } from '@gatehouse/wire/ldap';
import { type AttributeType, normalise } from './attribute-types.ts';
import { textOf } from './filter.ts';
import type { DirectoryView } from './view.ts';

/** Prefixes shorter than this are no help. */
const shortestPrefix = 1;

/** Positions, each once, in any order; `undefined` when everything must be looked at. */
export function candidatesOf(filter: Filter, view: DirectoryView): readonly number[] | undefined {
  switch (filter.kind) {
    case 'and':
      return smallest(filter.filters, view);
    case 'or':
      return union(filter.filters, view);
    case 'equalityMatch':
      return perType(view.typesOf(filter.attribute), (type) => {
        const value = normalise(type.syntax, textOf(filter.value));
        return value === undefined ? [] : view.withValue(type, value);
      });
    case 'substrings': {
      const prefix = filter.initial === undefined ? '' : (normalise('directoryString', textOf(filter.initial)) ?? '');
      // Spaces at the end of a prefix are significant to the match but not to the index.
      if (prefix.length < shortestPrefix || textOf(filter.initial ?? Buffer.alloc(0)).endsWith(' ')) return undefined;
      return perType(view.typesOf(filter.attribute), (type) => view.withPrefix(type, prefix));
    }
    default:
      return undefined;
  }
}

function smallest(filters: readonly Filter[], view: DirectoryView): readonly number[] | undefined {
  let best: readonly number[] | undefined;
  for (const filter of filters) {
    const found = candidatesOf(filter, view);
    if (found !== undefined && (best === undefined || found.length < best.length)) best = found;
    if (best?.length === 0) return best;
  }
  return best;
}

function union(filters: readonly Filter[], view: DirectoryView): readonly number[] | undefined {
  const merged = new Set<number>();
  for (const filter of filters) {
    const found = candidatesOf(filter, view);
    if (found === undefined) return undefined;
    for (const position of found) merged.add(position);
  }
  return [...merged];
}

function perType(
  types: readonly AttributeType[],
  look: (type: AttributeType) => readonly number[] | undefined,
): readonly number[] | undefined {
  const [only, ...others] = types;
  if (only === undefined) return [];
  if (others.length === 0) return look(only);
  const merged = new Set<number>();
  for (const type of types) {
    const found = look(type);
    if (found === undefined) return undefined;
    for (const position of found) merged.add(position);
  }
  return [...merged];
}
