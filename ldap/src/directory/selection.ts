// Which attributes of an entry go out (RFC 4511 §4.5.1.8; ldap.md §7.7), compiled once per search.
import type { ByteSink } from '@gatehouse/wire/ber';
import { type Attribute, encodeEntryOp, encodeEnvelope, type MessageId } from '@gatehouse/wire/ldap';
import { type AttributeType, baseName } from './attribute-types.ts';
import type { Entry } from './entry.ts';
import { writeStoredEntry } from './stored-encoding.ts';
import { StoredEntry } from './stored-entry.ts';
import type { DirectoryView } from './view.ts';

export interface Selection {
  /** Everything that is not only sent by name. */
  readonly star: boolean;
  /** Something besides `*`. */
  readonly namesMore: boolean;
  wants(type: AttributeType): boolean;
  pick(entry: Entry): readonly Attribute[];
  /** The entry as a message. One that the core has let go of meanwhile is left out. */
  write(entry: Entry, messageId: MessageId, sink: ByteSink): void;
}

export function selectAttributes(requested: readonly string[], typesOnly: boolean, view: DirectoryView): Selection {
  if (requested.length === 0 && !typesOnly) return everything;
  // Some clients send one selector with commas in it.
  const names = requested.flatMap((name) => name.split(',')).map((name) => name.trim());
  const wanted = names.filter((name) => name !== '');
  const star = wanted.length === 0 || wanted.includes('*');
  const operational = wanted.includes('+');
  const named = wanted.filter(isPlain).flatMap((name) => view.typesOf(baseName(name)));
  // `*` and the name of what it brings anyway, as in `* memberOf`, is `*`: entries go out as they lie.
  const types = new Set<AttributeType>(star ? named.filter(({ returned }) => returned !== 'with *') : named);
  return selectionOf({ star, operational, types, typesOnly });
}

interface Wanted {
  readonly star: boolean;
  readonly operational: boolean;
  readonly types: ReadonlySet<AttributeType>;
  readonly typesOnly: boolean;
}

function selectionOf({ star, operational, types, typesOnly }: Wanted): Selection {
  const wants = (type: AttributeType): boolean =>
    (star && type.returned === 'with *') || (operational && withPlus.has(type.returned)) || types.has(type);
  const selection: Selection = {
    star,
    namesMore: operational || types.size > 0,
    wants,
    pick: (entry) =>
      entry.types.filter(wants).map((type) => ({ type: type.name, values: typesOnly ? [] : entry.values(type) })),
    write(entry, messageId, sink) {
      if (typesOnly || !(entry instanceof StoredEntry)) writePicked(selection.pick(entry), entry, messageId, sink);
      else if (entry.isThere) writeStoredEntry(entry, selection, messageId, sink);
    },
  };
  return selection;
}

const withPlus: ReadonlySet<AttributeType['returned']> = new Set(['by name', 'operational'] as const);

const everything = selectionOf({ star: true, operational: false, types: new Set(), typesOnly: false });

/** From values, attribute by attribute. */
export function writePicked(picked: readonly Attribute[], entry: Entry, messageId: MessageId, sink: ByteSink): void {
  if (!entry.isThere) return;
  const message = encodeEnvelope(messageId, encodeEntryOp(entry.dn, picked));
  const at = sink.room(message.length);
  message.copy(sink.bytes, at);
}

/** Values here are texts, so a request for another transfer form names nothing (RFC 4522). */
function isPlain(name: string): boolean {
  return !/;(?:binary|range=)/i.test(name);
}
