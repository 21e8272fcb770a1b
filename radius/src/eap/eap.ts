// EAP inside Access-Requests (radius.md §8): finds the conversation, takes one step in it, asks the core when it comes to
// that, and says everything in RADIUS. A provider without a certificate can offer nothing: EAP-Failure.

import { randomInt, type X509Certificate } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import type { Clock } from '@gatehouse/daemon/async';
import type { CertificatePair } from '@gatehouse/outpost';
import { decodeEap, type EapPacket, eapCode, eapType, encodeEap } from '@gatehouse/wire/eap';
import { firstValue, packetCode, splitValue } from '@gatehouse/wire/radius';
import { mppeKeys } from '../attributes/mppe-keys.ts';
import type { CertificateVerdict } from '../authentication/claim.ts';
import type { Provider } from '../clients/provider.ts';
import type { AdmittedRequest, Answer } from '../datagram/request.ts';
import { type Answering, askAccess, attachAttributes } from '../operations/ask-access.ts';
import type { Authority } from './client-certificate.ts';
import { Conversation, type Step } from './conversation.ts';
import { fragmentBytes } from './fragments.ts';
import { type EapMethod, eapMethods } from './methods.ts';
import { createEapSessions, type EapSession, type EapSessions } from './sessions.ts';
import { createEapContext } from './tls-endpoint.ts';
import { createTlsSessions, type TlsSession, type TlsSessions } from './tls-sessions.ts';

export interface EapOptions extends Answering {
  readonly clock: Clock;
  /** Number of this process among its siblings. */
  readonly worker: number;
  readonly certificate: (provider: Provider) => CertificatePair | undefined;
  /** Checks client certificates where they are checked here. */
  readonly authority: () => Authority | undefined;
  /** The core's verdict on a login is still in force, for all that was heard. */
  readonly holdsTicket: (provider: Provider, ticket: string) => boolean;
  readonly onEnd: (method: string, result: string) => void;
}

export interface Eap {
  receive(request: AdmittedRequest, message: Buffer): Promise<Answer>;
  /** Conversations going on. */
  readonly size: number;
}

const userName = 1;
const stateType = 24;
const framedMtu = 12;
const eapMessage = 79;
const empty = Buffer.alloc(0);

export function createEap(options: EapOptions): Eap {
  const sessions = createEapSessions(options.clock, options.worker);
  const parts: Parts = { options, sessions, tlsSessions: createTlsSessions(options.clock), contexts: new Map() };
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
  readonly tlsSessions: TlsSessions;
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
  const methods = methodsOf(request);
  const [first] = methods;
  if (context === undefined || first === undefined)
    return refuse(parts, 'none', identifier, 'the provider has no certificate');
  const identity = data.toString('utf8');
  const conversation = new Conversation(
    {
      identity,
      methods,
      context,
      isMsChapOffered: request.provider.wifiSecrets,
      judgeCertificate: (own, identity) => judge(parts, request, own, identity),
      findSession:
        request.settings.eapResumptionMs === 0
          ? undefined
          : (id, method) => findSession(parts, request, { id, method, identity }),
    },
    first,
  );
  const session = parts.sessions.open(request.provider.pk, request.client, conversation);
  const step = conversation.begin(identifier);
  return step.kind === 'send' ? challenge(session, step.request) : end(parts, session, identifier, step);
}

function findSession(
  { options, tlsSessions }: Parts,
  { provider }: AdmittedRequest,
  { id, method, identity }: { readonly id: Buffer; readonly method: EapMethod['name']; readonly identity: string },
): TlsSession | undefined {
  const found = tlsSessions.find(id, { providerPk: provider.pk, method, identity });
  if (found?.proved.kind === 'inner' && !options.holdsTicket(provider, found.proved.ticket)) return undefined;
  return found;
}

function methodsOf({ settings }: AdmittedRequest): readonly EapMethod[] {
  return settings.eapMethods.flatMap((name) => eapMethods.filter((method) => method.name === name));
}

/** Where the provider takes our word they are checked here, else by the flow of the core (§8.5). */
function judge(
  { options }: Parts,
  { provider }: AdmittedRequest,
  own: X509Certificate,
  username: string,
): CertificateVerdict {
  if (provider.localCertificates)
    return (
      options.authority()?.judge(own, options.clock.now()) ?? {
        kind: 'refused',
        reason: 'the provider wants certificates checked here, and no authority is configured (eap_client_ca)',
      }
    );
  return { kind: 'claim', claim: { kind: 'certificate', username, certificatePem: own.toString() } };
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
  const keepAs = { ticket: session.ticket, lifeMs: request.settings.eapResumptionMs };
  const asked = await askAccess(parts.options, request, step.claim, { keepAs });
  if (asked.kind === 'accepted') {
    session.access = asked.access;
    const next = await conversation.passed(asked.access.mschap, limit);
    return end(parts, session, response.identifier, next, request);
  }
  const answer: Answer = asked.kind === 'not_accepted' ? asked.answer : { kind: 'silence', reason: 'failure' };
  // Silence keeps the conversation: a retransmission asks the core again.
  if (answer.kind === 'silence') return answer;
  session.refusal = answer;
  const next = await conversation.refused(limit);
  return next.kind === 'send'
    ? challenge(session, next.request)
    : endRefused(parts, session, response.identifier, answer);
}

function end(parts: Parts, session: EapSession, identifier: number, step: Step, request?: AdmittedRequest): Answer {
  const { conversation } = session;
  if (step.kind === 'send') return challenge(session, step.request);
  const { access, refusal } = session;
  if (refusal !== undefined) return endRefused(parts, session, identifier, refusal);
  const key = conversation.masterSessionKey;
  if (step.kind !== 'done' || request === undefined || access === undefined || key === undefined) {
    const reason = step.kind === 'fail' ? step.reason : 'no keys';
    const answer = refuse(parts, conversation.method, identifier, reason, conversation.identity);
    parts.sessions.close(session);
    return answer;
  }
  const attached = attachAttributes(parts.options, request, access);
  if (attached.kind === 'not_accepted') return endRefused(parts, session, identifier, attached.answer);
  if (attached.kind !== 'accepted') return { kind: 'silence', reason: 'failure' };
  const success = encodeEap({ code: eapCode.success, identifier, type: undefined, data: empty });
  const attributes = [
    ...(request.settings.replyUserName ? [{ type: userName, value: Buffer.from(access.username) }] : []),
    ...mppeKeys(key.subarray(0, 32), key.subarray(32, 64), request),
    ...attached.attributes,
    ...splitValue(eapMessage, success),
  ];
  parts.options.onEnd(conversation.method, conversation.resumed === undefined ? 'success' : 'resumed');
  parts.options.onAccepted(request, access, attached.attributes);
  keepSessions(parts, request, session, access.username);
  parts.sessions.close(session);
  return { kind: 'reply', code: packetCode.accessAccept, attributes, username: access.username };
}

/** Only now: a session of a login that was not accepted is never resumed. One that was resumed lives no longer by it. */
function keepSessions(
  { options, tlsSessions }: Parts,
  { provider, settings }: AdmittedRequest,
  { conversation, ticket }: EapSession,
  username: string,
): void {
  const proved = settings.eapResumptionMs === 0 ? undefined : conversation.proved(username, ticket);
  if (proved === undefined) return;
  const { method, identity, resumed } = conversation;
  const endMs = resumed?.endMs ?? options.clock.monotonicMs() + settings.eapResumptionMs;
  for (const { id, session } of conversation.issued)
    tlsSessions.keep(id, { providerPk: provider.pk, method, identity, session, proved, endMs });
}

function endRefused(parts: Parts, session: EapSession, identifier: number, refusal: Answer): Answer {
  const { conversation } = session;
  parts.options.onEnd(conversation.method, 'failure');
  parts.sessions.close(session);
  if (refusal.kind !== 'reply') return refusal;
  return { ...refusal, attributes: splitValue(eapMessage, failure(identifier)), username: conversation.identity };
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
