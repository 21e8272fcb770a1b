// Matched values (RFC 3876): of what an entry returns, only the values that one of the filters accepts.
import { type Control, controlOid, decodeMatchedValues, resultCode } from '@gatehouse/wire/ldap';
import type { AttributeType } from '../directory/attribute-types.ts';
import { type Entry, PlainEntry } from '../directory/entry.ts';
import { compileFilter, type Predicate } from '../directory/filter.ts';
import { type Selection, writePicked } from '../directory/selection.ts';
import type { DirectoryView } from '../directory/view.ts';
import { Refusal } from '../errors.ts';
import { filterLimits } from './filter-limits.ts';

/** The selection itself when the control is absent. @throws WireError */
export function matchValues(selection: Selection, controls: readonly Control[], view: DirectoryView): Selection {
  const control = controls.find(({ type }) => type === controlOid.matchedValues);
  if (control === undefined) return selection;
  if (control.value === undefined) throw new Refusal(resultCode.protocolError, 'the control of values has no value');
  const tests = decodeMatchedValues(control.value, filterLimits).map((filter) => compileFilter(filter, view));
  const pick: Selection['pick'] = (entry) =>
    selection.pick(entry).map(({ type, values }) => {
      const known = view.typesOf(type).find((one) => entry.has(one));
      return {
        type,
        values: known === undefined ? [] : values.filter((value) => holds(entry, known, String(value), tests)),
      };
    });
  return { ...selection, pick, write: (entry, messageId, sink) => writePicked(pick(entry), entry, messageId, sink) };
}

/** A value matches when the entry would match if it had this value alone. */
function holds({ kind, dn, key }: Entry, type: AttributeType, value: string, tests: readonly Predicate[]): boolean {
  const alone = new PlainEntry({ kind, dn, key, attributes: [{ type, values: [value] }] });
  return tests.some((test) => test(alone) === true);
}
