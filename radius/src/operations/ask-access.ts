// The core's verdict on a claim, with reply attributes ready for the device that asked; trouble with the core is silence by
// default (radius.md §5.5). Called by the password, MS-CHAPv2 and EAP ways alike.

import { isIP } from 'node:net';
import type { Logger } from '@gatehouse/daemon/log';
import { type Attribute, firstValue, packetCode } from '@gatehouse/wire/radius';
import type { AttributeReader } from '../attributes/core-attributes.ts';
import type { Claim } from '../authentication/claim.ts';
import type { Access, AccessOutcome, AccessRequest, CodeWanted, Ticket } from '../core.ts';
import type { AdmittedRequest, Answer } from '../datagram/request.ts';
import type { RejectReason } from '../errors.ts';
import type { Whose } from '../policy/policy.ts';

export interface Asking {
  /** At once where the verdict is known. */
  readonly access: (request: AccessRequest) => AccessOutcome | Promise<AccessOutcome>;
  readonly log: Logger;
  /** Reads what the core sends. */
  readonly readAttributes: AttributeReader;
  /** Attributes of the policy file, after those of the core. */
  readonly policyAttributes: (app: string, whose: Whose, given: readonly Attribute[]) => readonly Attribute[];
}

export interface Answering extends Asking {
  /** An Accept is on its way. */
  readonly onAccepted: (request: AdmittedRequest, access: Access, attributes: readonly Attribute[]) => void;
}

export type Asked =
  | { readonly kind: 'accepted'; readonly attributes: readonly Attribute[]; readonly access: Access }
  | { readonly kind: 'code_wanted'; readonly wanted: CodeWanted }
  | { readonly kind: 'not_accepted'; readonly answer: Answer };

const callingStationId = 31;

export interface Ways {
  /** The caller can come back with a code; then `code_wanted` may be the outcome. */
  readonly canAskForCode?: boolean;
  /** What a success is kept under for later. */
  readonly keepAs?: Ticket;
}

export function askAccess(
  asking: Asking,
  request: AdmittedRequest,
  claim: Claim,
  { canAskForCode = false, keepAs }: Ways = {},
): Asked | Promise<Asked> {
  const asked = {
    provider: request.provider,
    claim,
    remoteIp: remoteIpOf(request),
    canAskForCode,
    keepAs,
    mustBeKnown: request.owner !== undefined,
  };
  const outcome = asking.access(asked);
  return outcome instanceof Promise
    ? takeOutcome(asking, request, claim.username, outcome)
    : readOutcome(asking, request, outcome);
}

/** B17: the user's own address where the device is trusted to tell it, else that of the device. */
export function remoteIpOf({ client, packet, settings }: AdmittedRequest): string {
  const station = settings.trustCallingStation ? firstValue(packet, callingStationId)?.toString('latin1') : undefined;
  return station !== undefined && isIP(station) !== 0 ? station : client;
}

export async function takeOutcome(
  asking: Asking,
  request: AdmittedRequest,
  username: string,
  asked: Promise<AccessOutcome>,
): Promise<Asked> {
  const outcome = await asked.catch((error: unknown) => {
    asking.log.warn('core could not be asked', { username, error: String(error), ip: request.client });
    return undefined;
  });
  if (outcome === undefined)
    return notAccepted(
      request.settings.onCoreFailure === 'reject' ? reject('core_unreachable') : silence('core_unreachable'),
    );
  return readOutcome(asking, request, outcome);
}

function notAccepted(answer: Answer): Asked {
  return { kind: 'not_accepted', answer };
}

function readOutcome(asking: Asking, request: AdmittedRequest, outcome: AccessOutcome): Asked {
  switch (outcome.kind) {
    case 'elsewhere':
      return notAccepted({ kind: 'elsewhere' });
    case 'overload':
      return notAccepted(silence('overload'));
    case 'refused':
      return notAccepted(reject(outcome.reason));
    case 'code_wanted':
      return { kind: 'code_wanted', wanted: outcome };
    case 'accepted':
      return attachAttributes(asking, request, outcome);
  }
}

/** The core's attributes, hidden values made readable for this request's sender, then those of the policy file. */
export function attachAttributes(
  asking: Asking,
  { packet, key, provider, settings }: AdmittedRequest,
  access: Access,
): Asked {
  const { log, policyAttributes } = asking;
  const { username } = access;
  const accepted = (given: readonly Attribute[]): Asked => {
    const added = policyAttributes(provider.app, access, given);
    return { kind: 'accepted', attributes: added.length === 0 ? given : [...given, ...added], access };
  };
  if (access.attributes === undefined) {
    log.debug('No attributes', { username });
    return settings.requireAttributes ? { kind: 'not_accepted', answer: reject('attributes_missing') } : accepted([]);
  }
  const read = asking.readAttributes(access.attributes, packet.authenticator, key);
  if (read.kind === 'refused') {
    const verb = read.reason === 'attribute_decode_failed' ? 'decode' : 'parse';
    log.warn(`failed to ${verb} attributes from core`, { username, provider: provider.name });
    return { kind: 'not_accepted', answer: reject(read.reason) };
  }
  if (read.dropped.length > 0)
    log.warn('attributes of the core not passed on', { provider: provider.name, attributes: read.dropped.join(' ') });
  return accepted(read.attributes);
}

export function reject(reason: RejectReason, username?: string, attributes: readonly Attribute[] = []): Answer {
  const answer = { kind: 'reply', code: packetCode.accessReject, attributes, reason } as const;
  return username === undefined ? answer : { ...answer, username };
}

function silence(reason: 'core_unreachable' | 'overload'): Answer {
  return { kind: 'silence', reason };
}
