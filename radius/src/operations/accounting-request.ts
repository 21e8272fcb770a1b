// Accounting-Request (RFC 2866, radius.md B08): start and stop of sessions become events of the core, each once. Answered
// only when the record is safe.
import type { Clock } from '@gatehouse/daemon/async';
import { packetCode } from '@gatehouse/wire/radius';
import { type AccountingRecord, eventOf, readRecord, recordKey } from '../accounting/record.ts';
import type { AdmittedRequest, Operation } from '../datagram/request.ts';

export interface AccountingOptions {
  readonly clock: Clock;
  readonly reportsInterim: boolean;
  /** Resolves when the event is safe on disk; false when it cannot be kept. */
  readonly addEvent: (event: object) => Promise<boolean>;
  readonly onRecord: (request: AdmittedRequest, record: AccountingRecord) => void;
  readonly count: (statusType: string) => void;
}

const rememberMs = 5 * 60_000;
const maxRemembered = 100_000;

export function createAccountingRequest(options: AccountingOptions): Operation {
  const seen = new Map<string, number>(); // in order of arrival
  const isRepeated = (key: string) => {
    const nowMs = options.clock.monotonicMs();
    for (const [old, atMs] of seen) {
      if (nowMs - atMs < rememberMs && seen.size < maxRemembered) break;
      seen.delete(old);
    }
    return seen.has(key);
  };
  return async (request) => {
    const { provider, client, packet } = request;
    const record = readRecord(packet, options.clock.now());
    if (record === undefined) return { kind: 'silence', reason: 'malformed' };
    options.count(record.status);
    const key = recordKey(provider.pk, client, record);
    const isReported =
      record.status === 'start' || record.status === 'stop' || (record.status === 'interim' && options.reportsInterim);
    if (isReported && !isRepeated(key)) {
      seen.set(key, options.clock.monotonicMs());
      if (!(await options.addEvent(eventOf(provider.name, client, record)))) {
        seen.delete(key);
        return { kind: 'silence', reason: 'overload' };
      }
    }
    options.onRecord(request, record);
    return { kind: 'reply', code: packetCode.accountingResponse, attributes: [], username: record.username };
  };
}
