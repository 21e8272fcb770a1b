// POSIX numbers (ldap.md §9.5, §9.6): an own number of the user or group, as text or number; all others are computed.
import { attribute } from '../directory/attribute-types.ts';
import type { EntryAttribute } from '../directory/entry.ts';

type NumberName = 'uidNumber' | 'gidNumber';

/** Those of the names for which there is a number. */
export function ownNumbers(
  attributes: Readonly<Record<string, unknown>>,
  names: readonly NumberName[],
): EntryAttribute[] {
  return names.flatMap((name) => {
    const own = ownNumber(attributes, name);
    return own === undefined ? [] : [{ type: attribute[name], values: [own] }];
  });
}

function ownNumber(attributes: Readonly<Record<string, unknown>>, name: NumberName): string | undefined {
  const found = Object.entries(attributes).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  if (typeof found === 'string' && found !== '') return found;
  return typeof found === 'number' && Number.isInteger(found) ? String(found) : undefined;
}
