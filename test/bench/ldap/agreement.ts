// Before anything is measured: both servers answer a request with the same entries, types and values.
import { dnKeyOf, type RequestOp } from '@gatehouse/wire/ldap';
import { comparable } from './copy.ts';
import { type Access, type FoundEntry, readEntries } from './entries.ts';

export interface Answered {
  readonly entries: number;
  readonly values: number;
}

/** @throws when an answer differs, with the first entry that does */
export async function requireSameAnswer(ours: Access, theirs: Access, request: RequestOp): Promise<Answered> {
  const [mine, reference] = [await answerOf(ours, request), await answerOf(theirs, request)];
  for (const key of new Set([...mine.byKey.keys(), ...reference.byKey.keys()])) {
    const [one, other] = [mine.byKey.get(key), reference.byKey.get(key)];
    if (one !== other) throw new Error(`gatehouse and slapd differ:\n${one ?? 'nothing'}\n${other ?? 'nothing'}`);
  }
  if (mine.byKey.size === 0) throw new Error('neither gatehouse nor slapd finds anything');
  return { entries: mine.byKey.size, values: mine.values };
}

async function answerOf(access: Access, request: RequestOp) {
  const byKey = new Map<string, string>();
  let values = 0;
  await readEntries(access, request, (entry) => {
    const lines = linesOf(comparable(entry));
    values += lines.length;
    byKey.set(dnKeyOf(entry.dn) ?? entry.dn, [`dn: ${entry.dn.toLowerCase()}`, ...lines].join('\n'));
  });
  return { byKey, values };
}

/** An attribute and its values have no order (RFC 4511 §4.1.7). */
function linesOf({ attributes }: FoundEntry): string[] {
  return attributes.flatMap(({ type, values }) => values.map((value) => `${type.toLowerCase()}: ${value}`)).sort();
}
