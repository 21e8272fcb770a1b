// One Accounting-Request as a record (RFC 2866, RFC 2869 §5.1; radius.md B08), and the event that the core gets of it.
import { firstValue, type ReceivedPacket } from '@gatehouse/wire/radius';

export type StatusType = 'start' | 'stop' | 'interim' | 'on' | 'off' | 'other';

export interface AccountingRecord {
  readonly status: StatusType;
  readonly username: string;
  readonly sessionId: string;
  readonly station: string;
  readonly nasIdentifier: string;
  readonly framedAddress: string;
  readonly atMs: number;
  readonly seconds: number | undefined;
  readonly bytesIn: number | undefined;
  readonly bytesOut: number | undefined;
  readonly terminateCause: number | undefined;
}

const statusTypes: Readonly<Record<number, StatusType>> = { 1: 'start', 2: 'stop', 3: 'interim', 7: 'on', 8: 'off' };

/** @returns `undefined` without Acct-Status-Type, which RFC 2866 §4.1 demands */
export function readRecord(packet: ReceivedPacket, nowMs: number): AccountingRecord | undefined {
  const number = (type: number) => {
    const value = firstValue(packet, type);
    return value?.length === 4 ? value.readUInt32BE(0) : undefined;
  };
  const text = (type: number) => firstValue(packet, type)?.toString('utf8') ?? '';
  const status = number(40);
  if (status === undefined) return undefined;
  const timestamp = number(55);
  return {
    status: statusTypes[status] ?? 'other',
    username: text(1),
    sessionId: text(44),
    station: text(31),
    nasIdentifier: text(32),
    framedAddress: firstValue(packet, 8)?.join('.') ?? '',
    atMs: timestamp === undefined ? nowMs - (number(41) ?? 0) * 1000 : timestamp * 1000,
    seconds: number(46),
    bytesIn: octets(number(42), number(52)),
    bytesOut: octets(number(43), number(53)),
    terminateCause: number(49),
  };
}

/** RFC 2869 §5.1: gigawords count the wraps; a double holds the sum exactly up to 8 PiB. */
function octets(low: number | undefined, gigawords: number | undefined): number | undefined {
  return low === undefined ? undefined : (gigawords ?? 0) * 2 ** 32 + low;
}

/** Names one report, however often the device repeats it (B08). */
export function recordKey(providerPk: number, client: string, record: AccountingRecord): string {
  const interim = record.status === 'interim' ? record.seconds : '';
  return JSON.stringify([providerPk, client, record.nasIdentifier, record.sessionId, record.status, interim]);
}

export function eventOf(provider: string, client: string, record: AccountingRecord): object {
  const { status, username, sessionId, station, framedAddress, atMs, seconds, bytesIn, bytesOut, terminateCause } =
    record;
  return {
    action: 'custom_',
    app: 'authentik.providers.radius',
    client_ip: client,
    user: { username },
    context: {
      kind: 'radius_accounting',
      provider,
      status,
      username,
      session_id: sessionId,
      station,
      framed_address: framedAddress,
      at: new Date(atMs).toISOString(),
      seconds,
      bytes_in: bytesIn,
      bytes_out: bytesOut,
      terminate_cause: terminateCause,
    },
  };
}
