// Matched values (RFC 3876): of what an entry returns, only the values that one of the filters accepts.
import { type Control, controlOid, decodeMatchedValues, encodeEntryOp, resultCode } from '@gatehouse/wire/ldap';
import type { AttributeType } from '../directory/attribute-types.ts';
import type { Entry } from '../directory/entry.ts';
import { compileFilter, type Predicate } from '../directory/filter.ts';
import type { Selection } from '../directory/selection.ts';
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
      const known = view.typesOf(type).find((one) => entry.attributes.some((own) => own.type === one));
      return {
        type,
        values: known === undefined ? [] : values.filter((value) => holds(entry, known, String(value), tests)),
      };
    });
  return { pick, encode: (entry) => encodeEntryOp(entry.dn, pick(entry)) };
}

/** A value matches when the entry would match if it had this value alone. */
function holds(entry: Entry, type: AttributeType, value: string, tests: readonly Predicate[]): boolean {
  const alone: Entry = { ...entry, attributes: [{ type, values: [value] }] };
  return tests.some((test) => test(alone) === true);
}
