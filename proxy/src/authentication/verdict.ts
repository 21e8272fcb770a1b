// "Allow" is a value that one function makes (WISHES P6, CVE-2026-25748): `decide` turns evidence into a verdict, and
// nothing that answers a request can say yes without an Allow from here. Evidence is itself only made by the room that
// checked it; an error on the way leaves no evidence, and no evidence is a refusal.
import { isSkipMatch, type SkipMatch } from '../applications/skip-rules.ts';
import { isReservedTarget, type ReservedTarget } from '../request/reserved.ts';
import { isRuling, type Ruling, unmetBy } from '../rules/access-rules.ts';
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
  /** `rule` and `login_too_old`: there is a login, but the rule asks for more. */
  readonly reason: 'no_evidence' | 'other_application' | 'rule' | 'login_too_old';
  readonly ruling: Ruling | undefined;
}

export type Verdict = Allow | Refuse;
export type Evidence = VerifiedIdentity | SkipMatch | ReservedTarget;

const allows = new WeakSet<object>();
/** An identity is verified once and asks many times: its Allow is made once. */
const ofIdentity = new WeakMap<VerifiedIdentity, Allow>();

export interface Question {
  /** The application that the request is for; an identity verified for another one is no evidence. */
  readonly applicationPk: number;
  /** What the rule file says of the request. */
  readonly ruling: Ruling;
  readonly nowMs: number;
}

export function decide(evidence: Evidence | undefined, question: Question): Verdict {
  const { applicationPk, ruling, nowMs } = question;
  // Our own paths behind nginx stay reachable, whatever a rule says: the login itself goes through them.
  if (evidence !== undefined && isReservedTarget(evidence)) return allow(undefined, 'reserved');
  if (ruling.kind === 'deny') return refuse('rule', ruling);
  if (evidence === undefined) {
    return ruling.kind === 'skip' && isRuling(ruling) ? allow(undefined, 'skip') : refuse('no_evidence', ruling);
  }
  if (isVerifiedIdentity(evidence)) {
    if (evidence.applicationPk !== applicationPk) return refuse('other_application');
    const unmet = ruling.kind === 'require' ? unmetBy(evidence.claims, ruling.requirement, nowMs) : undefined;
    if (unmet !== undefined) return refuse(unmet === 'age' ? 'login_too_old' : 'rule', ruling);
    return ofIdentity.get(evidence) ?? allowIdentity(evidence);
  }
  // A rule that asks for a login closes what the allow-list of the core opens.
  if (isSkipMatch(evidence))
    return ruling.rule === undefined || ruling.kind === 'skip'
      ? allow(undefined, 'skip')
      : refuse('no_evidence', ruling);
  return refuse('no_evidence', ruling);
}

function refuse(reason: Refuse['reason'], ruling?: Ruling): Refuse {
  return { verdict: 'refuse', reason, ruling };
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
