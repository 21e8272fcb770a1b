// What needs no socket: the codec's part of a PAP exchange, and the look-up of a client among many networks.

import { createPrefixTable } from '@gatehouse/radius/testing';
import {
  checkMessageAuthenticator,
  createPacketKey,
  decodePacket,
  firstValue,
  messageAuthenticator,
  packetCode,
  revealPassword,
  signReply,
} from '@gatehouse/wire/radius';
import { signPackets } from './load.ts';

const userPassword = 2;

/** Exchanges a second: decode, verify, read the password, encode a signed Accept with two attributes. Median of five. */
export function benchCodec(): number {
  const key = createPacketKey('testing123');
  const load = {
    port: 0,
    secret: 'testing123',
    people: [{ username: 'alice', password: 's3cr3t' }],
    seconds: 0,
    sockets: 1,
    inFlight: 1,
  };
  const [packets = []] = signPackets({ ...load, most: 1_000 });
  const reply = [
    messageAuthenticator,
    { type: 18, value: Buffer.from('Hello alice') },
    { type: 25, value: Buffer.from('authentik') },
  ];
  const exchange = (bytes: Buffer) => {
    const packet = decodePacket(bytes);
    if (checkMessageAuthenticator(packet, key) !== 'valid') throw new Error('not valid');
    revealPassword(firstValue(packet, userPassword) ?? Buffer.alloc(16), packet.authenticator, key);
    return signReply({ code: packetCode.accessAccept, attributes: reply }, packet, key);
  };
  return perSecond(200_000, (at) => exchange(packets[at % packets.length] ?? Buffer.alloc(0)));
}

/** Nanoseconds of one look-up among this many networks of every size, half of them IPv6. */
export function benchMatch(count: number): number {
  const networks = Array.from({ length: count }, (_, at) => {
    const isFour = at % 2 === 0;
    const bytes = Buffer.alloc(isFour ? 4 : 16);
    bytes.writeUInt32BE(Math.imul(at, 2_654_435_761) >>> 0 || 1, 0);
    return { bytes, prefix: isFour ? 12 + (at % 20) : 24 + (at % 40), value: at };
  });
  const table = createPrefixTable(networks);
  const addresses = Array.from({ length: 10_000 }, (_, at) => {
    const word = Math.imul(at + 7, 2_246_822_519) >>> 0;
    const parts = [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255];
    return at % 2 === 0
      ? parts.join('.')
      : `${(word >>> 16).toString(16)}:${(word & 65_535).toString(16)}::${at.toString(16)}`;
  });
  let found = 0;
  const rate = perSecond(1_000_000, (at) => {
    if (table.find(addresses[at % addresses.length] ?? '') !== undefined) found += 1;
  });
  if (found === 0) throw new Error('nothing was ever found');
  return Math.round(1e9 / rate);
}

function perSecond(times: number, run: (at: number) => unknown): number {
  const rates: number[] = [];
  for (let batch = 0; batch < 6; batch++) {
    const startedMs = performance.now();
    for (let at = 0; at < times; at++) run(at);
    if (batch > 0) rates.push((times * 1000) / (performance.now() - startedMs)); // the first one warms up
  }
  return Math.round(rates.sort((one, other) => one - other)[2] ?? 0);
}
