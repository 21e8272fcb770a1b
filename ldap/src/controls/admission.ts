// Which controls each operation takes (ldap.md §16.2). A critical one that an operation does not know stops it before it
// does anything.
import { type Control, controlOid, type RequestOp, resultCode } from '@gatehouse/wire/ldap';
import type { Identity } from '../authentication/logins.ts';
import { Refusal } from '../errors.ts';
import { userDn } from '../providers/provider.ts';

/** Accepted anywhere, without effect on a directory that has no referrals and no aliases. */
const harmless = [controlOid.manageDsaIT, controlOid.domainScope, controlOid.proxiedAuthorization];

const accepted: Partial<Readonly<Record<RequestOp['op'], readonly string[]>>> = {
  bindRequest: [controlOid.authorizationIdentityRequest, controlOid.passwordPolicy],
  searchRequest: [
    controlOid.pagedResults,
    controlOid.sortRequest,
    controlOid.vlvRequest,
    controlOid.assertion,
    controlOid.matchedValues,
    controlOid.subentries,
  ],
  compareRequest: [controlOid.assertion],
};
const knownTo = new Map(Object.entries(accepted).map(([op, own]) => [op, new Set<string>([...harmless, ...own])]));
const knownElsewhere = new Set<string>(harmless);

/** @throws Refusal unavailableCriticalExtension, authorizationDenied */
export function admitControls(op: RequestOp['op'], controls: readonly Control[], identity: Identity | undefined): void {
  if (controls.length === 0) return;
  const known = knownTo.get(op) ?? knownElsewhere;
  const unknown = controls.find(({ type, criticality }) => criticality && !known.has(type));
  if (unknown !== undefined)
    throw new Refusal(resultCode.unavailableCriticalExtension, `the critical control ${unknown.type} is not supported`);
  const proxied = controls.find(({ type }) => type === controlOid.proxiedAuthorization);
  if (proxied !== undefined) admitProxied(proxied, identity);
}

/**
 * RFC 4370: nobody may act for anybody but himself. Ignoring the control, critical or not, would let the operation run with
 * rights that its sender meant to leave behind.
 */
function admitProxied({ value }: Control, identity: Identity | undefined): void {
  const authzId = value?.toString('utf8') ?? '';
  const own =
    identity === undefined
      ? ['']
      : [`dn:${userDn(identity.username, identity.provider)}`.toLowerCase(), `u:${identity.username}`.toLowerCase()];
  if (!own.includes(authzId.toLowerCase()))
    throw new Refusal(resultCode.authorizationDenied, 'nobody may act for another identity here');
}
