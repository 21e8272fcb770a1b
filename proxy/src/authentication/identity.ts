// A verified identity: claims that a session record, a verified token or a credential exchange vouched for. Made by
// `verifiedIdentity`, which only sessions/ and authentication/credentials call after their check has passed.
import type { Claims } from '../oidc/claims.ts';

declare const brand: unique symbol;
export interface VerifiedIdentity {
  readonly [brand]: 'VerifiedIdentity';
  /** The application the check was made for. */
  readonly applicationPk: number;
  readonly claims: Claims;
  readonly via: 'session' | 'cache' | 'bearer' | 'basic';
  /** End of the identity, in epoch milliseconds. */
  readonly expiresAtMs: number;
  /** Flat header list, made once per identity (proxy.md §17.6). */
  readonly identityHeaders: readonly string[];
}

const identities = new WeakSet<object>();

export interface IdentityFacts {
  readonly applicationPk: number;
  readonly claims: Claims;
  readonly via: VerifiedIdentity['via'];
  readonly expiresAtMs: number;
  readonly identityHeaders: readonly string[];
}

export function verifiedIdentity(facts: IdentityFacts): VerifiedIdentity {
  const made = { ...facts } as VerifiedIdentity; // the one constructor of the brand
  identities.add(made);
  return Object.freeze(made);
}

export function isVerifiedIdentity(value: object): value is VerifiedIdentity {
  return identities.has(value);
}
