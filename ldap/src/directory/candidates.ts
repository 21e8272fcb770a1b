// Which entries a filter can match at all, from the view's indexes (ldap.md §19.1). Always a superset of the matches: every
// candidate is still tested with the whole filter, so a wrong plan could only cost time.
import type { Filter, Substrings } from '@gatehouse/wire/ldap';
import { type AttributeType, attribute, normalise } from './attribute-types.ts';
import { foldPart, textOf } from './filter.ts';
import { allKinds, type Kinds } from './kinds.ts';
import type { DirectoryView, Refs } from './view.ts';

/** Kinds of entries that a filter can match, by the object classes it asks for. */
export function kindsOf(filter: Filter, view: DirectoryView): Kinds {
  switch (filter.kind) {
    case 'and':
      return filter.filters.reduce((kinds, inner) => kinds & kindsOf(inner, view), allKinds);
    case 'or':
      return filter.filters.reduce((kinds, inner) => kinds | kindsOf(inner, view), 0);
    case 'equalityMatch':
      return view.typesOf(filter.attribute)[0] === attribute.objectClass
        ? view.kindsWithClass(normalise('oid', textOf(filter.value)) ?? '')
        : allKinds;
    default:
      return allKinds;
  }
}

/** References of the kinds, in any order; `undefined` when everything must be looked at. */
export function candidatesOf(filter: Filter, view: DirectoryView, kinds: Kinds): Refs | undefined {
  switch (filter.kind) {
    case 'and':
      return smallest(filter.filters, view, kinds);
    case 'or':
      return union(filter.filters, view, kinds);
    case 'equalityMatch':
      return perType(view.typesOf(filter.attribute), (type) => {
        if (type === attribute.objectClass) return undefined;
        const value = normalise(type.syntax, textOf(filter.value));
        return value === undefined ? [] : view.withValue(type, value, kinds);
      });
    case 'greaterOrEqual':
    case 'lessOrEqual':
      return perType(view.typesOf(filter.attribute), (type) => {
        const bound = normalise(type.syntax, textOf(filter.value));
        if (bound === undefined) return [];
        const [least, most] = filter.kind === 'greaterOrEqual' ? [bound, undefined] : [undefined, bound];
        return view.within(type, least, most, kinds);
      });
    case 'present':
      return perType(view.typesOf(filter.attribute), (type) =>
        type === attribute.objectClass ? undefined : view.having(type, kinds),
      );
    case 'substrings':
      return perType(view.typesOf(filter.attribute), (type) =>
        type.syntax === 'directoryString' ? withParts(filter, type, view, kinds) : undefined,
      );
    default:
      return undefined;
  }
}

function withParts(
  { initial, any, final }: Substrings,
  type: AttributeType,
  view: DirectoryView,
  kinds: Kinds,
): Refs | undefined {
  const start = initial === undefined ? '' : textOf(initial);
  const prefix = normalise('directoryString', start) ?? '';
  // Spaces at the end of a prefix are significant to the match but not to the index.
  const begun = prefix === '' || start !== start.trim() ? undefined : view.withPrefix(type, prefix, kinds);
  if (begun !== undefined && (begun.length <= few || any.length + (final?.length ?? 0) === 0)) return begun;
  const parts = [...(initial === undefined ? [] : [initial]), ...any, ...(final === undefined ? [] : [final])];
  const holding = view.withTexts(type, parts.map(textOf).map(foldPart), kinds);
  return begun === undefined || (holding !== undefined && holding.length < begun.length) ? holding : begun;
}

function smallest(filters: readonly Filter[], view: DirectoryView, kinds: Kinds): Refs | undefined {
  let best: Refs | undefined;
  for (const filter of filters) {
    const found = candidatesOf(filter, view, kinds);
    if (found !== undefined && (best === undefined || found.length < best.length)) best = found;
    if (best !== undefined && best.length <= few) return best;
  }
  return best;
}

/** So few candidates are tested faster than others are found. */
const few = 4;

function union(filters: readonly Filter[], view: DirectoryView, kinds: Kinds): Refs | undefined {
  const merged: number[] = [];
  for (const filter of filters) {
    const found = candidatesOf(filter, view, kinds);
    if (found === undefined) return undefined;
    append(merged, found);
  }
  return merged;
}

function perType(types: readonly AttributeType[], look: (type: AttributeType) => Refs | undefined): Refs | undefined {
  const [only] = types;
  if (only === undefined) return [];
  if (types.length === 1) return look(only);
  const merged: number[] = [];
  for (const type of types) {
    const found = look(type);
    if (found === undefined) return undefined;
    append(merged, found);
  }
  return merged;
}

function append(list: number[], more: Refs): void {
  for (let at = 0; at < more.length; at += 1) list.push(more[at] ?? 0);
}
