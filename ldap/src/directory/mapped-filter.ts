// A filter in the names of a policy as one in the names of the core, for one kind of entries, so that a direct search asks only for
// what can match. What cannot be said so becomes "everything": each entry is tested afterwards with the filter that was sent.
import type { Filter } from '@gatehouse/wire/ldap';
import { type AttributeMap, type StoredKind, sourceOf } from './attribute-map.ts';
import { baseName, knownTypes } from './attribute-types.ts';
import { textOf } from './filter.ts';
import { affixed } from './template.ts';

const everything: Filter = { kind: 'and', filters: [] };
const nothing: Filter = { kind: 'or', filters: [] };

interface Asserted {
  readonly attribute: string;
  readonly value: Buffer;
}

export function storedFilter(filter: Filter, kind: StoredKind, map: AttributeMap): Filter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, filters: filter.filters.map((inner) => storedFilter(inner, kind, map)) };
    case 'equalityMatch':
      return storedEquality(filter, kind, map);
    default:
      return everything;
  }
}

function storedEquality(filter: Asserted, kind: StoredKind, map: AttributeMap): Filter {
  const type = map.named.get(baseName(filter.attribute)) ?? knownTypes(filter.attribute)[0];
  if (type === undefined) return everything;
  const source = sourceOf(map, kind, type);
  if (source === undefined) return nothing;
  if (source.kind === 'copy') return { kind: 'equalityMatch', attribute: source.of.name, value: filter.value };
  const [template, ...others] = source.templates;
  const made = template === undefined || others.length > 0 ? undefined : affixed(template);
  if (made === undefined) return everything;
  const value = textOf(filter.value);
  const folded = value.toLowerCase();
  if (!folded.startsWith(made.before) || !folded.endsWith(made.after)) return everything;
  const inner = value.slice(made.before.length, value.length - made.after.length);
  return { kind: 'equalityMatch', attribute: made.type.name, value: Buffer.from(inner) };
}
