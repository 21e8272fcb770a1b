// What of a request goes on to a home server, and what of its answer comes back to the device (RFC 2865 §2.3, RFC 3579). Hidden
// values are hidden anew on both ways, EAP passes as it is, Proxy-States of others stay and ours is taken off.
import { createHash, randomBytes } from 'node:crypto';
import { isIPv4 } from 'node:net';
import {
  type Attribute,
  decodeVendor,
  type Hiding,
  hasAttribute,
  messageAuthenticator,
  packetCode,
  type ReceivedPacket,
  vendorId,
  vendorSpecific,
} from '@gatehouse/wire/radius';
import { createRehider } from '../attributes/rehide.ts';
import type { AdmittedRequest } from '../datagram/request.ts';
import type { HomeServer } from '../home-servers/home-server.ts';
import type { OutgoingRequest } from '../home-servers/lanes.ts';
import { attributeIdentity, type RealmRule } from './realm-rules.ts';
import type { Route } from './realms.ts';

const type = {
  userName: 1,
  userPassword: 2,
  chapPassword: 3,
  nasIpAddress: 4,
  nasIdentifier: 32,
  proxyState: 33,
  chapChallenge: 60,
  eapMessage: 79,
  messageAuthenticator: 80,
  nasIpv6Address: 95,
} as const;

const msChap2Response = 25;

/** First half of every Proxy-State of ours: one that comes back to us in a request has gone round. */
export function proxyStateMark(seed: string): Buffer {
  return createHash('sha256').update('proxy-state').update(seed).digest().subarray(0, 8);
}

/** More servers than any honest way has. */
const maxHops = 16;

/** The request has been here before, or comes from so far away that it goes round somewhere else. */
export function isLoop({ attributes }: ReceivedPacket, mark: Buffer): boolean {
  const states = attributes.filter((one) => one.type === type.proxyState);
  return states.length >= maxHops || states.some(({ value }) => value.subarray(0, mark.length).equals(mark));
}

/** `undefined` when a hidden value in it cannot be read. */
export function forwardedRequest(
  { packet, key, client }: AdmittedRequest,
  { username, rule }: Route,
  server: Pick<HomeServer, 'key'>,
  mark: Buffer,
): OutgoingRequest | undefined {
  const authenticator = randomBytes(16);
  const rehide = createRehider({ authenticator: packet.authenticator, key }, { authenticator, key: server.key });
  const attributes: Attribute[] = packet.code === packetCode.accountingRequest ? [] : [messageAuthenticator];
  const isRenamed = rule.strip && !isNameBound(packet);
  for (const attribute of packet.attributes) {
    if (attribute.type === type.messageAuthenticator) continue;
    const passed = rehide(attribute);
    if (passed === undefined) return undefined;
    if (attribute.type === type.userName && isRenamed) attributes.push({ ...attribute, value: Buffer.from(username) });
    else attributes.push(...passed);
  }
  attributes.push(...added(packet, client));
  attributes.push({ type: type.proxyState, value: Buffer.concat([mark, randomBytes(8)]) });
  return { code: packet.code, authenticator, attributes };
}

/** EAP repeats the name inside (RFC 3579 §2.1), MS-CHAPv2 hashes it (RFC 2759 §8.2): another one would be refused. */
function isNameBound(packet: ReceivedPacket): boolean {
  const isMsChap2 = (value: Buffer) =>
    (decodeVendor(value) ?? []).some((one) => one.vendor === vendorId.microsoft && one.type === msChap2Response);
  return packet.attributes.some(
    (one) => one.type === type.eapMessage || (one.type === vendorSpecific && isMsChap2(one.value)),
  );
}

/** What the device did not say but the next server needs. */
function added(packet: ReceivedPacket, client: string): Attribute[] {
  const found: Attribute[] = [];
  // RFC 2865 §5.3: without CHAP-Challenge the authenticator is it, and that is another one now.
  if (hasAttribute(packet, type.chapPassword) && !hasAttribute(packet, type.chapChallenge))
    found.push({ type: type.chapChallenge, value: packet.authenticator });
  const isNamed = [type.nasIpAddress, type.nasIpv6Address, type.nasIdentifier].some((one) => hasAttribute(packet, one));
  if (!isNamed && isIPv4(client))
    found.push({ type: type.nasIpAddress, value: Buffer.from(client.split('.').map(Number)) });
  else if (!isNamed) found.push({ type: type.nasIdentifier, value: Buffer.from(client) });
  return found;
}

export interface ReturnedAttributes {
  readonly attributes: readonly Attribute[];
  /** Types that were not passed on: its server may not set them here, or they could not be read. */
  readonly dropped: readonly number[];
}

/** @param from what the server has hidden values under @param to what the device reads them with */
export function returnedAttributes(
  reply: ReceivedPacket,
  { allow }: Pick<RealmRule, 'allow'>,
  from: Hiding,
  to: Hiding,
): ReturnedAttributes {
  const rehide = createRehider(from, to);
  const attributes: Attribute[] = [];
  const dropped: number[] = [];
  for (const attribute of reply.attributes) {
    if (attribute.type === type.proxyState || attribute.type === type.messageAuthenticator) continue;
    const passed = isAllowed(attribute, allow) ? rehide(attribute) : undefined;
    if (passed === undefined) dropped.push(attribute.type);
    else attributes.push(...passed);
  }
  return { attributes, dropped };
}

function isAllowed(attribute: Attribute, allow: RealmRule['allow']): boolean {
  if (allow === 'all') return true;
  const isFine = (identity: string) => harmless.has(identity) || allow.has(identity);
  if (attribute.type !== vendorSpecific) return isFine(attributeIdentity(0, attribute.type));
  const parts = decodeVendor(attribute.value) ?? [];
  return parts.length > 0 && parts.every((one) => isFine(attributeIdentity(one.vendor, one.type)));
}

/**
 * What a login consists of, and what no access to our network depends on: User-Name, Reply-Message, State, Class,
 * Session-Timeout, Idle-Timeout, Termination-Action, Prompt, EAP-Message, Acct-Interim-Interval, Chargeable-User-Identity,
 * Error-Cause, EAP-Key-Name; of Microsoft's the answers of MS-CHAP and the keys.
 */
const harmless: ReadonlySet<string> = new Set([
  ...[1, 18, 24, 25, 27, 28, 29, 76, 79, 85, 89, 101, 102].map((one) => attributeIdentity(0, one)),
  ...[2, 3, 7, 8, 10, 12, 16, 17, 26].map((one) => attributeIdentity(vendorId.microsoft, one)),
]);
