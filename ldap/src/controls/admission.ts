// Which controls each operation takes (ldap.md §16.2). A critical one that an operation does not know stops it before it
// does anything.
import { type Control, controlOid, type RequestOp, resultCode } from '@gatehouse/wire/ldap';
import { Refusal } from '../errors.ts';

/** Accepted anywhere, without effect on a directory that has no referrals and no aliases. */
const harmless = [controlOid.manageDsaIT, controlOid.domainScope];

const accepted: Partial<Readonly<Record<RequestOp['op'], readonly string[]>>> = {
  bindRequest: [controlOid.authorizationIdentityRequest, controlOid.passwordPolicy],
  searchRequest: [controlOid.pagedResults],
};

/** @throws Refusal unavailableCriticalExtension */
export function admitControls(op: RequestOp['op'], controls: readonly Control[]): void {
  const known = new Set<string>([...harmless, ...(accepted[op] ?? [])]);
  const unknown = controls.find(({ type, criticality }) => criticality && !known.has(type));
  if (unknown !== undefined)
    throw new Refusal(resultCode.unavailableCriticalExtension, `the critical control ${unknown.type} is not supported`);
}
