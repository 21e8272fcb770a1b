// Assertion (RFC 4528): the operation runs only if the entry it is about matches a filter.
import { type Control, controlOid, decodeAssertion, resultCode } from '@gatehouse/wire/ldap';
import type { Entry } from '../directory/entry.ts';
import { compileFilter } from '../directory/filter.ts';
import type { DirectoryView } from '../directory/view.ts';
import { Refusal } from '../errors.ts';
import { filterLimits } from './filter-limits.ts';

/** @throws Refusal assertionFailed; WireError */
export function assertEntry(entry: Entry | undefined, controls: readonly Control[], view: DirectoryView): void {
  const control = controls.find(({ type }) => type === controlOid.assertion);
  if (control === undefined) return;
  if (control.value === undefined) throw new Refusal(resultCode.protocolError, 'the assertion has no filter');
  const test = compileFilter(decodeAssertion(control.value, filterLimits), view);
  if (entry === undefined || test(entry) !== true)
    throw new Refusal(resultCode.assertionFailed, 'the entry does not match the assertion');
}
