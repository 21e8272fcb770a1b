// Which attributes of an entry go out (RFC 4511 §4.5.1.8; ldap.md §7.7), compiled once per search.
import { type Attribute, encodeEntryOp } from '@gatehouse/wire/ldap';
import { type AttributeType, baseName } from './attribute-types.ts';
import type { Entry, EntryAttribute } from './entry.ts';
import type { DirectoryView } from './view.ts';

export interface Selection {
  /** The SearchResultEntry without its envelope. */
  encode(entry: Entry): Buffer;
  pick(entry: Entry): readonly Attribute[];
}

export function selectAttributes(requested: readonly string[], typesOnly: boolean, view: DirectoryView): Selection {
  // Some clients send one selector with commas in it.
  const names = requested.flatMap((name) => name.split(',')).map((name) => name.trim());
  const wanted = names.filter((name) => name !== '');
  const all = wanted.length === 0 || wanted.includes('*');
  const operational = wanted.includes('+');
  const types = new Set<AttributeType>(wanted.filter(isPlain).flatMap((name) => view.typesOf(baseName(name))));
  const isWanted = ({ type }: EntryAttribute): boolean =>
    (all && type.returned === 'with *') || (operational && type.returned !== 'with *') || types.has(type);
  const pick = (entry: Entry): readonly Attribute[] =>
    entry.attributes.filter(isWanted).map(({ type, values }) => ({ type: type.name, values: typesOnly ? [] : values }));
  return { pick, encode: (entry) => encodeEntryOp(entry.dn, pick(entry)) };
}

/** Values here are texts, so a request for another transfer form names nothing (RFC 4522). */
function isPlain(name: string): boolean {
  return !/;(?:binary|range=)/i.test(name);
}
