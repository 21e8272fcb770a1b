// Which worker a request belongs to: the kernel gives a datagram to any of them, but repetitions have to meet their first
// copy, a State its conversation, and a device the worker that knows its TLS session. Called by server.ts.
import { firstValue, type ReceivedPacket } from '@gatehouse/wire/radius';
import type { Sender } from '../datagram/duplicates.ts';

/** First bytes of every State of ours: who keeps what it stands for, and of which kind that is. */
export function statePrefix(worker: number, kind: 'eap' | 'challenge'): Buffer {
  return Buffer.of(worker, stateKinds[kind]);
}

const stateKinds = { eap: 1, challenge: 2 } as const;
const stateType = 24;
const stateBytes = 16;
const callingStation = 31;

/**
 * By State where it is one of ours: a conversation may change its port, its State stays. Else by the station behind the sender,
 * which comes back by any port; where the sender does not tell it, by address and port.
 */
export function ownerOf(packet: Pick<ReceivedPacket, 'bytes'>, { address, port }: Sender, count: number): number {
  const state = firstValue(packet, stateType);
  const worker = state?.length === stateBytes && (state[1] === 1 || state[1] === 2) ? (state[0] ?? count) : count;
  if (worker < count) return worker;
  const station = firstValue(packet, callingStation);
  let sum = station === undefined ? port : 0;
  for (let at = 0; at < address.length; at++) sum = (Math.imul(sum, 31) + address.charCodeAt(at)) | 0;
  for (const byte of station ?? []) sum = (Math.imul(sum, 31) + byte) | 0;
  return (sum >>> 0) % count;
}
