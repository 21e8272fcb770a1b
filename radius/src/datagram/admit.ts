// Whether a datagram is a request that has to be answered, in the order of radius.md §4.1: size, client, duplicate, code,
// attributes, authenticators. Until the authenticators are checked nothing is ever sent. Called by receive.ts.
import type { Logger } from '@gatehouse/daemon/log';
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
import type { MessageAuthenticatorGate } from '../clients/message-authenticator-policy.ts';
import type { Notices } from '../clients/notices.ts';
import type { Client, ClientTable } from '../clients/table.ts';
import type { DropReason } from '../errors.ts';
import type { RadiusMetrics } from '../metrics.ts';
import { type Drops, dropHints } from './drops.ts';
import type { Duplicates, Sender } from './duplicates.ts';
import type { DuplicateEntry } from './kept-request.ts';
import type { AdmittedRequest, Operation, Ways } from './request.ts';

export interface AdmissionOptions {
  readonly port: AdmittedRequest['port'];
  readonly log: Logger;
  readonly metrics: RadiusMetrics;
  readonly notices: Notices;
  readonly clients: () => ClientTable;
  readonly duplicates: Duplicates;
  readonly gate: MessageAuthenticatorGate;
  readonly drops: Drops;
  /** By code; what is not here is dropped. */
  readonly operations: ReadonlyMap<number, Operation>;
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

export interface Admitted {
  readonly request: AdmittedRequest;
  readonly entry: DuplicateEntry;
}

export interface Source extends Sender {
  /** It has as many requests in work as one may. */
  readonly isSpent: boolean;
  readonly listener: number | undefined;
}

const stateType = 24;
const proxyState = 33;
const eapMessage = 79;

/** @returns `undefined` when it was dropped, answered from memory, or handed on */
export function admit(
  options: AdmissionOptions,
  bytes: Buffer,
  source: Source,
  { send, handOn }: Ways,
): Admitted | undefined {
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
  { share }: AdmissionOptions,
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
  { gate, log, port, share }: AdmissionOptions,
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
function drop(options: AdmissionOptions, ip: string, reason: DropReason, client?: Client): undefined {
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
