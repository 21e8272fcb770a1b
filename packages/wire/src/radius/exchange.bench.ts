// One PAP exchange of the server: decode V03 with its Message-Authenticator, read the password, encode an Accept like V05
// (radius.md §15). `npx vitest bench packages/wire/src/radius`.
import { bench } from 'vitest';
import { checkMessageAuthenticator, messageAuthenticator, signReply } from './authenticators.ts';
import { revealPassword } from './hidden-values.ts';
import { decodePacket, firstValue } from './packet.ts';
import { createPacketKey } from './packet-key.ts';

const key = createPacketKey('testing123');
const request = Buffer.from(
  '012a004b000102030405060708090a0b0c0d0e0f5012e4172e23c9aca2c3f49ec23cab7428be0107616c6963650212e5dd6ab847897a1a104607240014828b0406c000020a050600000000',
  'hex',
);
const replyMessage = { type: 18, value: Buffer.from('Hello alice') };
const replyClass = { type: 25, value: Buffer.from('authentik') };

bench('decode, verify, reveal, encode', () => {
  const packet = decodePacket(request);
  if (checkMessageAuthenticator(packet, key) !== 'valid') throw new Error('not valid');
  const hidden = firstValue(packet, 2);
  if (hidden === undefined) throw new Error('no password');
  revealPassword(hidden, packet.authenticator, key);
  signReply({ code: 2, attributes: [messageAuthenticator, replyMessage, replyClass] }, packet, key);
});
