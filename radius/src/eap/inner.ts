// What is said inside a tunnel, as a state machine of its own: bytes in, bytes or a claim out. One file for each tunnel:
// inner-peap.ts, inner-ttls.ts. Called by conversation.ts, which encrypts.
import type { Claim } from '../authentication/claim.ts';
import type { MsChapProof } from '../core.ts';

export type InnerStep =
  | { readonly kind: 'say'; readonly plain: Buffer }
  /** As `say`; whatever the peer answers, it is over. */
  | { readonly kind: 'say_and_fail'; readonly plain: Buffer; readonly reason: string }
  | { readonly kind: 'ask'; readonly claim: Claim }
  | { readonly kind: 'done' }
  | { readonly kind: 'fail'; readonly reason: string };

export interface Inner {
  /** What the server says first; `undefined` when the peer begins. */
  start(): Buffer | undefined;
  /** @throws WireError for bytes of no form */
  receive(data: Buffer): InnerStep;
  /** The core has passed the claim. */
  passed(proof: MsChapProof | undefined): InnerStep;
  /** The core has refused it. */
  refused(): InnerStep;
}

export interface InnerOptions {
  /** MS-CHAPv2 may be offered: the provider has Wi-Fi secrets. */
  readonly isMsChapOffered: boolean;
}

export function failInner(reason: string): InnerStep {
  return { kind: 'fail', reason };
}

/** RFC 2759 §6: wrong, and no use in trying again with what was typed. */
export function msChapError(challenge: Buffer): string {
  return `E=691 R=0 C=${challenge.toString('hex').toUpperCase()} V=3 M=Authentication failed`;
}
