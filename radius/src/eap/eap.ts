// EAP inside Access-Requests (radius.md §8): finds the conversation, takes one step in it, asks the core when it comes to
// that, and says everything in RADIUS. A provider without a certificate can offer nothing: EAP-Failure.

import { randomInt } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import type { Clock } from '@gatehouse/daemon/async';
import type { CertificatePair } from '@gatehouse/outpost';
import { decodeEap, type EapPacket, eapCode, eapType, encodeEap } from '@gatehouse/wire/eap';
import {
  type Attribute,
  encodeVendor,
  firstValue,
  hideSalted,
  packetCode,
  splitValue,
  vendorId,
} from '@gatehouse/wire/radius';
import type { Provider } from '../clients/provider.ts';
import type { AdmittedRequest, Answer } from '../datagram/request.ts';
import { type AccessOptions, type Asked, askAccess, attachAttributes } from '../operations/access-request.ts';
import { Conversation, type Step } from './conversation.ts';
import { fragmentBytes } from './fragments.ts';
import { type EapMethod, eapMethods } from './methods.ts';
import { createEapSessions, type EapSession, type EapSessions } from './sessions.ts';
import { createEapContext } from './tls-endpoint.ts';

export interface EapOptions
  extends Pick<AccessOptions, 'access' | 'log' | 'onAccepted' | 'onCoreFailure' | 'requireAttributes'> {
  readonly clock: Clock;
  readonly certificate: (provider: Provider) => CertificatePair | undefined;
  /** Names in the order in which they are offered. */
  readonly methods: readonly string[];
  readonly onEnd: (method: string, result: string) => void;
}

export interface Eap {
  receive(request: AdmittedRequest, message: Buffer): Promise<Answer>;
  /** Conversations going on. */
  readonly size: number;
}

const stateType = 24;
const framedMtu = 12;
const eapMessage = 79;
const empty = Buffer.alloc(0);

export function createEap(options: EapOptions): Eap {
  const sessions = createEapSessions(options.clock);
  const methods = options.methods.flatMap((name) => eapMethods.filter((method) => method.name === name));
  const parts: Parts = { options, sessions, methods, contexts: new Map() };
  return {
    receive: (request, message) => receive(parts, request, message),
    get size() {
      return sessions.size;
    },
  };
}

interface Parts {
  readonly options: EapOptions;
  readonly sessions: EapSessions;
  readonly methods: readonly EapMethod[];
  /** By fingerprint. */
  readonly contexts: Map<string, SecureContext>;
}

async function receive(parts: Parts, request: AdmittedRequest, message: Buffer): Promise<Answer> {
  // RFC 3579 §2.1: an empty EAP-Message is EAP-Start.
  if (message.length === 0) return askIdentity();
  const response = parse(message);
  if (response === undefined) return { kind: 'silence', reason: 'malformed' };
  const state = firstValue(request.packet, stateType);
  const session = state && parts.sessions.find(state, request.provider.pk, request.client);
  if (response.type === eapType.identity) {
    if (session !== undefined) parts.sessions.close(session);
    return begin(parts, request, response);
  }
  if (session === undefined) return refuse(parts, 'none', response.identifier, 'no conversation with this State');
  // RFC 3748 §4.1: the identifier must be that of the last request; others are stale duplicates.
  if (session.busy || response.identifier !== session.conversation.identifier)
    return { kind: 'silence', reason: 'duplicate_in_flight' };
  session.busy = true;
  try {
    return await proceed(parts, request, session, response);
  } finally {
    session.busy = false;
  }
}

function parse(message: Buffer): EapPacket | undefined {
  try {
    const packet = decodeEap(message);
    return packet.code === eapCode.response ? packet : undefined;
  } catch {
    return undefined; // WireError; E17: no answer
  }
}

function begin(parts: Parts, request: AdmittedRequest, { identifier, data }: EapPacket): Answer {
  const context = contextOf(parts, request.provider);
  const [first] = parts.methods;
  if (context === undefined || first === undefined)
    return refuse(parts, 'none', identifier, 'the provider has no certificate');
  const conversation = new Conversation({ identity: data.toString('utf8'), methods: parts.methods, context }, first);
  const session = parts.sessions.open(request.provider.pk, request.client, conversation);
  const step = conversation.begin(identifier);
  return step.kind === 'send' ? challenge(session, step.request) : end(parts, session, identifier, step);
}

async function proceed(
  parts: Parts,
  request: AdmittedRequest,
  session: EapSession,
  response: EapPacket,
): Promise<Answer> {
  const { conversation } = session;
  const mtu = firstValue(request.packet, framedMtu);
  const limit = fragmentBytes(mtu?.length === 4 ? mtu.readUInt32BE(0) : undefined);
  const step = await conversation
    .step(response, limit)
    .catch((error: unknown): Step => ({ kind: 'fail', reason: String(error) }));
  if (step.kind !== 'ask') return end(parts, session, response.identifier, step, request);
  const asked = await askAccess(parts.options, request, step.claim);
  if (asked.kind !== 'accepted') return endRefused(parts, session, response.identifier, asked);
  session.access = asked.access;
  return end(parts, session, response.identifier, await conversation.passed(limit), request);
}

function end(parts: Parts, session: EapSession, identifier: number, step: Step, request?: AdmittedRequest): Answer {
  const { conversation } = session;
  if (step.kind === 'send') return challenge(session, step.request);
  const { access } = session;
  const key = conversation.masterSessionKey;
  if (step.kind !== 'done' || request === undefined || access === undefined || key === undefined) {
    const reason = step.kind === 'fail' ? step.reason : 'no keys';
    const answer = refuse(parts, conversation.method, identifier, reason, conversation.identity);
    parts.sessions.close(session);
    return answer;
  }
  const attached = attachAttributes(parts.options, request, access);
  if (attached.kind !== 'accepted') return endRefused(parts, session, identifier, attached);
  const success = encodeEap({ code: eapCode.success, identifier, type: undefined, data: empty });
  const attributes = [...mppeKeys(key, request), ...attached.attributes, ...splitValue(eapMessage, success)];
  parts.options.onEnd(conversation.method, 'success');
  parts.options.onAccepted(request, access);
  parts.sessions.close(session);
  return { kind: 'reply', code: packetCode.accessAccept, attributes, username: access.username };
}

function endRefused(
  parts: Parts,
  session: EapSession,
  identifier: number,
  asked: Extract<Asked, { kind: 'not_accepted' }>,
): Answer {
  const { conversation } = session;
  // Silence keeps the conversation: a retransmission asks the core again.
  if (asked.answer.kind === 'silence') return asked.answer;
  parts.options.onEnd(conversation.method, 'failure');
  parts.sessions.close(session);
  return { ...asked.answer, attributes: splitValue(eapMessage, failure(identifier)), username: conversation.identity };
}

function refuse({ options }: Parts, method: string, identifier: number, error: string, username = ''): Answer {
  options.onEnd(method, 'failure');
  options.log.warn('EAP failed', { method, error, username });
  const attributes = splitValue(eapMessage, failure(identifier));
  return { kind: 'reply', code: packetCode.accessReject, attributes, reason: 'eap_failure', username };
}

function challenge(session: EapSession, eap: Buffer): Answer {
  const attributes = [{ type: stateType, value: session.state }, ...splitValue(eapMessage, eap)];
  return { kind: 'reply', code: packetCode.accessChallenge, attributes };
}

function askIdentity(): Answer {
  const request = encodeEap({ code: eapCode.request, identifier: randomInt(256), type: eapType.identity, data: empty });
  return { kind: 'reply', code: packetCode.accessChallenge, attributes: splitValue(eapMessage, request) };
}

function failure(identifier: number): Buffer {
  return encodeEap({ code: eapCode.failure, identifier, type: undefined, data: empty });
}

/** RFC 2548 §2.4: Recv is MSK 0–31, Send is MSK 32–63 (RFC 5216 §2.3). */
function mppeKeys(key: Buffer, { packet, key: secret }: AdmittedRequest): Attribute[] {
  const salt = randomInt(0x4000) * 2;
  const hidden = (part: Buffer, add: number) =>
    hideSalted(part, Buffer.of(0x80 | ((salt + add) >> 8), (salt + add) & 0xff), packet.authenticator, secret);
  return [
    encodeVendor({ vendor: vendorId.microsoft, type: 17, value: hidden(key.subarray(0, 32), 0) }),
    encodeVendor({ vendor: vendorId.microsoft, type: 16, value: hidden(key.subarray(32, 64), 1) }),
  ];
}

/** The newest pair of the provider, so that a renewed certificate shows in the next handshake (C89). */
function contextOf({ options, contexts }: Parts, provider: Provider): SecureContext | undefined {
  const pair = options.certificate(provider);
  if (pair === undefined) return undefined;
  const known = contexts.get(pair.fingerprint);
  if (known !== undefined) return known;
  try {
    const context = createEapContext(pair);
    if (contexts.size > 100) contexts.clear();
    contexts.set(pair.fingerprint, context);
    return context;
  } catch (error) {
    options.log.error('certificate not usable', { provider: provider.name, error: String(error) });
    return undefined;
  }
}
