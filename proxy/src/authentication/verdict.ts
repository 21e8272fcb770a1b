// "Allow" is a value that one function makes (WISHES P6, CVE-2026-25748): `decide` turns evidence into a verdict, and
// nothing that answers a request can say yes without an Allow from here. Evidence is itself only made by the room that
// checked it; an error on the way leaves no evidence, and no evidence is a refusal.
import { isSkipMatch, type SkipMatch } from '../applications/skip-rules.ts';
import { isReservedTarget, type ReservedTarget } from '../request/reserved.ts';
import { isVerifiedIdentity, type VerifiedIdentity } from './identity.ts';

declare const brand: unique symbol;
/** Permission for one identity at its application, or for a request that needs no login. */
export interface Allow {
  readonly [brand]: 'Allow';
  readonly verdict: 'allow';
  /** Absent on requests that need no login. */
  readonly identity: VerifiedIdentity | undefined;
  readonly reason: 'identity' | 'skip' | 'reserved';
}

export interface Refuse {
  readonly verdict: 'refuse';
  readonly reason: 'no_evidence' | 'other_application';
}

export type Verdict = Allow | Refuse;
export type Evidence = VerifiedIdentity | SkipMatch | ReservedTarget;

const allows = new WeakSet<object>();
/** An identity is verified once and asks many times: its Allow is made once. */
const ofIdentity = new WeakMap<VerifiedIdentity, Allow>();

/** @param applicationPk the application that the request is for; an identity verified for another one is no evidence */
export function decide(evidence: Evidence | undefined, applicationPk: number): Verdict {
  if (evidence === undefined) return { verdict: 'refuse', reason: 'no_evidence' };
  if (isVerifiedIdentity(evidence)) {
    if (evidence.applicationPk !== applicationPk) return { verdict: 'refuse', reason: 'other_application' };
    return ofIdentity.get(evidence) ?? allowIdentity(evidence);
  }
  if (isSkipMatch(evidence)) return allow(undefined, 'skip');
  if (isReservedTarget(evidence)) return allow(undefined, 'reserved');
  return { verdict: 'refuse', reason: 'no_evidence' };
}

/** Whether this very object came from {@link decide}; a copy or a look-alike did not. */
export function isAllow(value: unknown): value is Allow {
  return typeof value === 'object' && value !== null && allows.has(value);
}

function allow(identity: VerifiedIdentity | undefined, reason: Allow['reason']): Allow {
  const made = { verdict: 'allow', identity, reason } as Allow; // the one constructor of the brand
  allows.add(made);
  return Object.freeze(made);
}

function allowIdentity(identity: VerifiedIdentity): Allow {
  const made = allow(identity, 'identity');
  ofIdentity.set(identity, made);
  return made;
}
