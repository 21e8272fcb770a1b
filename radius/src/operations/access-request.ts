// Access-Request (radius.md §5): which credentials, and the answer that the core's verdict gives.
import type { Logger } from '@gatehouse/daemon/log';
import { type Attribute, packetCode } from '@gatehouse/wire/radius';
import { readCoreAttributes } from '../attributes/core-attributes.ts';
import { readCredentials } from '../authentication/credentials.ts';
import type { Access, AccessOutcome, AccessRequest } from '../core.ts';
import type { AdmittedRequest, Answer, Operation } from '../datagram/request.ts';
import type { RejectReason } from '../errors.ts';

export interface AccessOptions {
  readonly access: (request: AccessRequest) => Promise<AccessOutcome>;
  readonly log: Logger;
  readonly onCoreFailure: 'drop' | 'reject';
  readonly requireAttributes: boolean;
  /** An Accept is on its way. */
  readonly onAccepted: (request: AdmittedRequest, access: Access) => void;
  /** Takes EAP messages. */
  readonly eap: (request: AdmittedRequest, message: Buffer) => Promise<Answer>;
}

export function createAccessRequest(options: AccessOptions): Operation {
  return async (request) => {
    const credentials = read(request);
    switch (credentials.kind) {
      case 'malformed':
        return { kind: 'silence', reason: 'malformed' };
      case 'eap':
        return options.eap(request, credentials.message);
      case 'none':
        return reject('no_credentials', credentials.username);
      case 'undecodable':
        options.log.warn('possible shared secret mismatch', {
          ip: request.client,
          provider: request.provider.name,
          hint: 'The password is no text. Compare the shared secret on the device and in the core.',
        });
        return reject('undecodable_credentials');
      case 'unsupported':
        options.log.warn('method cannot work', {
          ip: request.client,
          username: credentials.username,
          method: credentials.method,
          hint: 'It needs the clear password, and the core keeps only hashes. Set the device to PAP, EAP-TTLS/PAP or PEAP/GTC.',
        });
        return reject('unsupported_method', credentials.username);
      case 'password':
        return answerPassword(options, request, credentials);
    }
  };
}

function read(request: AdmittedRequest) {
  try {
    return readCredentials(request);
  } catch {
    return { kind: 'malformed' } as const; // WireError: a password of impossible length (M12)
  }
}

async function answerPassword(
  options: AccessOptions,
  request: AdmittedRequest,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<Answer> {
  const outcome = await askAccess(options, request, { username, password });
  if (outcome.kind !== 'accepted') return withName(outcome.answer, username);
  options.onAccepted(request, outcome.access);
  return { kind: 'reply', code: packetCode.accessAccept, attributes: outcome.attributes, username };
}

export type Asked =
  | { readonly kind: 'accepted'; readonly attributes: readonly Attribute[]; readonly access: Access }
  | { readonly kind: 'not_accepted'; readonly answer: Answer };

/** The core's verdict, with reply attributes ready for this request; trouble with the core is silence by default (§5.5). */
export async function askAccess(
  options: Pick<AccessOptions, 'access' | 'log' | 'onCoreFailure' | 'requireAttributes'>,
  request: AdmittedRequest,
  given: { readonly username: string; readonly password: string; readonly certificatePem?: string },
): Promise<Asked> {
  const { provider, client: remoteIp } = request;
  const outcome = await options.access({ provider, remoteIp, ...given }).catch((error: unknown) => {
    options.log.warn('core could not be asked', { username: given.username, error: String(error), ip: remoteIp });
    return undefined;
  });
  if (outcome === undefined) {
    const answer = options.onCoreFailure === 'reject' ? reject('core_unreachable') : silence('core_unreachable');
    return { kind: 'not_accepted', answer };
  }
  if (outcome.kind === 'overload') return { kind: 'not_accepted', answer: silence('overload') };
  if (outcome.kind === 'refused') return { kind: 'not_accepted', answer: reject(outcome.reason) };
  return attachAttributes(options, request, outcome);
}

/** The core's attributes, hidden values made readable for this request's sender. */
export function attachAttributes(
  { log, requireAttributes }: Pick<AccessOptions, 'log' | 'requireAttributes'>,
  { packet, key, provider }: AdmittedRequest,
  access: Access,
): Asked {
  if (access.attributes === undefined) {
    log.debug('No attributes', { username: access.username });
    if (!requireAttributes) return { kind: 'accepted', attributes: [], access };
    return { kind: 'not_accepted', answer: reject('attributes_missing') };
  }
  const read = readCoreAttributes(access.attributes, packet.authenticator, key);
  if (read.kind === 'refused') {
    const verb = read.reason === 'attribute_decode_failed' ? 'decode' : 'parse';
    log.warn(`failed to ${verb} attributes from core`, { username: access.username, provider: provider.name });
    return { kind: 'not_accepted', answer: reject(read.reason) };
  }
  if (read.dropped.length > 0)
    log.warn('attributes of the core not passed on', { provider: provider.name, attributes: read.dropped.join(' ') });
  return { kind: 'accepted', attributes: read.attributes, access };
}

function reject(reason: RejectReason, username?: string): Answer {
  const answer = { kind: 'reply', code: packetCode.accessReject, attributes: [], reason } as const;
  return username === undefined ? answer : { ...answer, username };
}

function silence(reason: 'core_unreachable' | 'overload'): Answer {
  return { kind: 'silence', reason };
}

function withName(answer: Answer, username: string): Answer {
  return { ...answer, username };
}
