// From a datagram to an answer, in the order of radius.md §4.1: size, client, duplicate, code, attributes, authenticators,
// operation. Until the authenticators are checked nothing is ever sent. One request can harm itself only (E20).
import { randomUUID } from 'node:crypto';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import { canonicalIp } from '@gatehouse/daemon/net';
import {
  checkMessageAuthenticator,
  decodePacket,
  hasAttribute,
  isRequestAuthenticatorValid,
  maxPacketBytes,
  packetCode,
  packetCodeName,
  type ReceivedPacket,
} from '@gatehouse/wire/radius';
import type { SourceBudget } from '../clients/budget.ts';
import type { MessageAuthenticatorGate } from '../clients/message-authenticator-policy.ts';
import type { Notices } from '../clients/notices.ts';
import type { Client, ClientTable } from '../clients/table.ts';
import type { DropReason } from '../errors.ts';
import type { RadiusMetrics } from '../metrics.ts';
import { type Drops, dropHints } from './drops.ts';
import type { DuplicateEntry, Duplicates, Sender } from './duplicates.ts';
import { composeReply } from './reply.ts';
import type { AdmittedRequest, Answer, Operation } from './request.ts';

export interface ReceiverOptions {
  readonly port: 'authentication' | 'accounting';
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: RadiusMetrics;
  readonly notices: Notices;
  readonly clients: () => ClientTable;
  readonly duplicates: Duplicates;
  readonly gate: MessageAuthenticatorGate;
  /** By code; what is not here is dropped. */
  readonly operations: ReadonlyMap<number, Operation>;
  readonly drops: Drops;
  readonly budget: SourceBudget;
  /** Told of each packet that is left without an answer on arrival. */
  readonly onDrop?: (reason: DropReason) => void;
  /** Where there are several workers. */
  readonly share?: Share;
}

/** What several workers on one socket agree about. */
export interface Share {
  /** Of this worker. */
  readonly number: number;
  ownerOf(packet: ReceivedPacket, from: Sender, client: Client): number;
  /** @param listener which it came to: the answer leaves from there */
  handOn(to: number, bytes: Buffer, from: Sender, listener: number): void;
  /** From now on Message-Authenticator is demanded of this address. */
  latched(client: string): void;
  /** So many requests of this address are in work here. */
  inWork(client: string, count: number): void;
}

export interface Receiver {
  /**
   * @param reply called at most once, later; not called at all for what is dropped
   * @param listener which it came to; `undefined` for what a sibling has handed on
   */
  receive(bytes: Buffer, from: Sender, reply: (bytes: Buffer) => void, listener: number | undefined): void;
  /** From now on nothing is taken; resolves when everything in work has ended. */
  drain(): Promise<void>;
}

const stateType = 24;
const proxyState = 33;
const eapMessage = 79;

export function createReceiver(options: ReceiverOptions): Receiver {
  const inWork = new Set<Promise<void>>();
  const { budget } = options;
  let isDraining = false;
  return {
    receive(bytes, from, reply, listener) {
      if (isDraining) return;
      const address = canonicalIp(from.address);
      const isSpent = budget.isSpent(address);
      // As it came: a socket of IPv6 cannot send to an IPv4 address in its canonical form.
      const handOn = (to: number) => options.share?.handOn(to, bytes, from, listener ?? 0);
      const ways = { send: reply, handOn };
      const admitted = admit(options, bytes, { address, port: from.port, isSpent, listener }, ways);
      if (admitted === undefined) return;
      const { request, entry } = admitted;
      const serving = serve(options, request, entry, ways);
      if (serving === undefined) return;
      budget.begin(address);
      const work = serving.finally(() => {
        inWork.delete(work);
        budget.end(address);
      });
      inWork.add(work);
    },
    async drain() {
      isDraining = true;
      await Promise.all(inWork);
    },
  };
}

interface Admitted {
  readonly request: AdmittedRequest;
  readonly entry: DuplicateEntry;
}

/** Where an answer goes, or a request that another worker has to answer. */
interface Ways {
  readonly send: (bytes: Buffer) => void;
  readonly handOn: (to: number) => void;
}

interface Source extends Sender {
  /** It has as many requests in work as one may. */
  readonly isSpent: boolean;
  readonly listener: number | undefined;
}

function admit(options: ReceiverOptions, bytes: Buffer, source: Source, { send, handOn }: Ways): Admitted | undefined {
  const { address, isSpent } = source;
  if (bytes.length < 20 || bytes.length > maxPacketBytes) return drop(options, address, 'malformed');
  const client = options.clients().find(address);
  if (client === undefined) return drop(options, address, 'unknown_client');
  const { key } = client;
  if (key === undefined) return drop(options, address, 'no_secret', client);
  const packet = parse(bytes);
  if (packet === undefined) return drop(options, address, 'malformed', client);
  const seen = options.duplicates.look(source, packet.bytes);
  if (seen?.kind === 'done') {
    options.metrics.replayed();
    send(seen.reply);
    return undefined;
  }
  if (seen?.repeat !== undefined) {
    seen.repeat();
    return undefined;
  }
  if (seen !== undefined) return drop(options, address, 'duplicate_in_flight', client);
  if (source.listener !== undefined) options.metrics.packet(packetCodeName(packet.code)); // else the sibling has
  // Before any cryptography: one address must not take all of it.
  if (isSpent) return drop(options, address, 'source_budget', client);
  if (!options.operations.has(packet.code)) return drop(options, address, 'unsupported_code', client);
  const refused = authenticate(options, packet, client, address);
  if (refused !== undefined) return drop(options, address, refused, client);
  const owner = ownerOf(options, packet, source, client);
  if (owner !== undefined && !canBeKnown(packet, client)) {
    handOn(owner);
    return undefined;
  }
  const entry = options.duplicates.begin(source, packet.bytes);
  if (entry === undefined) return drop(options, address, 'overload', client);
  const { provider, settings } = client;
  const { port } = options;
  return { request: { packet, provider, settings, key, client: address, port, owner, repetitions: entry }, entry };
}

/** The worker that a request belongs to, where it is another one. */
function ownerOf(
  { share }: ReceiverOptions,
  packet: ReceivedPacket,
  source: Source,
  client: Client,
): number | undefined {
  if (share === undefined || source.listener === undefined) return undefined;
  const owner = share.ownerOf(packet, source, client);
  return owner === share.number ? undefined : owner;
}

/** A password may be one that the core has granted before, and Status-Server is anybody's; the rest needs its own worker. */
function canBeKnown(packet: ReceivedPacket, { settings }: Client): boolean {
  if (packet.code === packetCode.statusServer) return true;
  return !settings.coa && !hasAttribute(packet, eapMessage) && !hasAttribute(packet, stateType);
}

function parse(bytes: Buffer): ReceivedPacket | undefined {
  try {
    return decodePacket(bytes);
  } catch {
    return undefined; // WireError: the one thing decoding throws; the caller drops and counts it
  }
}

function authenticate(
  { gate, log, port, share }: ReceiverOptions,
  packet: ReceivedPacket,
  { key, settings }: Client,
  client: string,
): DropReason | undefined {
  if (key === undefined) return 'no_secret';
  if (packet.code === packetCode.accountingRequest && !isRequestAuthenticatorValid(packet, key))
    return 'bad_authenticator';
  const signed = checkMessageAuthenticator(packet, key);
  if (signed === 'wrong') return 'bad_message_authenticator';
  if (packet.code === packetCode.statusServer && signed === 'absent') return 'missing_message_authenticator';
  if (packet.code !== packetCode.accessRequest) return undefined;
  const shape = {
    client,
    hasMessageAuthenticator: packet.messageAuthenticatorAt !== undefined,
    hasProxyState: hasAttribute(packet, proxyState),
    isEap: hasAttribute(packet, eapMessage),
  };
  const admitted = gate.admit(shape, settings);
  if (admitted === 'latched') {
    log.info('Message-Authenticator demanded from now on', { ip: client, component: port });
    share?.latched(client);
  }
  return admitted === 'refused' ? 'missing_message_authenticator' : undefined;
}

/** Warnings once per source, reason and minute: any sender could cause them. */
function drop(options: ReceiverOptions, ip: string, reason: DropReason, client?: Client): undefined {
  options.metrics.dropped(reason);
  options.drops.note(ip, reason, client?.provider.name);
  options.onDrop?.(reason);
  const event = warnings[reason];
  if (event === undefined || !options.notices.isDue(`${reason} ${ip}`)) return undefined;
  options.log.warn(event, {
    ip,
    reason,
    hint: dropHints[reason],
    ...(client === undefined ? {} : { provider: client.provider.name }),
  });
  return undefined;
}

const warnings: Partial<Record<DropReason, string>> = {
  unknown_client: 'No matching prefixes found',
  no_secret: 'Provider has no shared secret',
  bad_authenticator: 'Invalid authenticator',
  bad_message_authenticator: 'Invalid message authenticator',
  missing_message_authenticator: 'Message-Authenticator missing',
  malformed: 'Malformed packet',
  overload: 'Too many requests in work',
  source_budget: 'Too many requests of one address in work',
};

/** @returns the work that goes on, `undefined` when everything is done */
function serve(
  options: ReceiverOptions,
  request: AdmittedRequest,
  entry: DuplicateEntry,
  { send, handOn }: Ways,
): Promise<void> | undefined {
  const startedMs = options.clock.monotonicMs();
  const requestId = options.log.isEnabled('info') ? randomUUID() : undefined;
  const announce = () => {
    if (requestId !== undefined) options.log.info('Radius Request', fieldsOf(request, requestId));
  };
  const { owner } = request;
  if (owner === undefined) announce();
  const finish = (answer: Answer) => {
    if (answer.kind === 'elsewhere') {
      entry.forget();
      return handOn(owner ?? 0);
    }
    if (owner !== undefined) announce();
    const tookMs = options.clock.monotonicMs() - startedMs;
    options.metrics.took(request.provider.app, tookMs / 1000);
    settle(options, request, entry, answer, send);
    if (requestId !== undefined)
      options.log.info('Radius Response', responseFields(request, requestId, answer, tookMs));
  };
  try {
    const answer = options.operations.get(request.packet.code)?.(request);
    if (answer instanceof Promise)
      return answer.then(finish).catch((error: unknown) => fail(options, request, entry, error));
    finish(answer ?? { kind: 'silence', reason: 'unsupported_code' });
  } catch (error) {
    fail(options, request, entry, error);
  }
  return undefined;
}

type Answered = Exclude<Answer, { readonly kind: 'elsewhere' }>;

function fieldsOf({ packet, client }: AdmittedRequest, requestId: string) {
  return { code: packetCodeName(packet.code), request: requestId, ip: client, id: packet.identifier };
}

function responseFields(request: AdmittedRequest, requestId: string, answer: Answered, tookMs: number) {
  return {
    ...fieldsOf(request, requestId),
    code: answer.kind === 'reply' ? packetCodeName(answer.code) : 'none',
    provider: request.provider.name,
    duration_ms: Math.round(tookMs * 10) / 10,
    ...(answer.reason === undefined ? {} : { reason: answer.reason }),
    ...(answer.username === undefined ? {} : { username: answer.username }),
    ...(answer.realm === undefined ? {} : { realm: answer.realm }),
    ...(answer.homeServer === undefined ? {} : { home_server: answer.homeServer }),
  };
}

/** E20: a fault of ours harms this one request. */
function fail(
  { drops, metrics, log }: ReceiverOptions,
  request: AdmittedRequest,
  entry: DuplicateEntry,
  error: unknown,
): void {
  entry.forget();
  drops.note(request.client, 'failure', request.provider.name);
  metrics.dropped('failure');
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  log.error('request failed', { ...fieldsOf(request, randomUUID()), error: String(error), stack });
}

function settle(
  { metrics, drops }: ReceiverOptions,
  request: AdmittedRequest,
  entry: DuplicateEntry,
  answer: Answered,
  send: (bytes: Buffer) => void,
): void {
  if (answer.kind === 'silence') {
    entry.forget();
    drops.note(request.client, answer.reason, request.provider.name);
    metrics.dropped(answer.reason);
    return;
  }
  const bytes = composeOrReject(request, answer);
  if (bytes.reason !== undefined) metrics.rejected(request.provider.app, bytes.reason);
  if (entry.isCurrent()) send(bytes.reply);
  else {
    drops.note(request.client, 'superseded', request.provider.name);
    metrics.dropped('superseded');
  }
  entry.finish(bytes.reply);
}

/** E19: an Accept that does not fit is no Accept. */
function composeOrReject(request: AdmittedRequest, answer: Extract<Answer, { kind: 'reply' }>) {
  try {
    return { reply: composeReply(request, answer), reason: answer.reason };
  } catch {
    // ERR_WIRE_TOO_LARGE: the one thing encoding throws
    const reject = { kind: 'reply', code: packetCode.accessReject, attributes: [] } as const;
    return { reply: composeReply(request, reject), reason: 'reply_too_large' as const };
  }
}
