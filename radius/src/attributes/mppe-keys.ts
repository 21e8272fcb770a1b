// Keys that the device shares with the peer, hidden for this device (RFC 2548 §2.4): from EAP and from MS-CHAPv2.
import { randomInt } from 'node:crypto';
import { type Attribute, encodeVendor, hideSalted, vendorId } from '@gatehouse/wire/radius';
import type { AdmittedRequest } from '../datagram/request.ts';

const sendType = 16;
const recvType = 17;

/** MS-MPPE-Recv-Key, MS-MPPE-Send-Key, each under a salt of its own. */
export function mppeKeys(recvKey: Buffer, sendKey: Buffer, { packet, key }: AdmittedRequest): Attribute[] {
  const salt = randomInt(0x4000) * 2;
  const hidden = (part: Buffer, add: number) =>
    hideSalted(part, Buffer.of(0x80 | ((salt + add) >> 8), (salt + add) & 0xff), packet.authenticator, key);
  return [
    encodeVendor({ vendor: vendorId.microsoft, type: recvType, value: hidden(recvKey, 0) }),
    encodeVendor({ vendor: vendorId.microsoft, type: sendType, value: hidden(sendKey, 1) }),
  ];
}
