// Bytes of the virtual list view controls (draft-ietf-ldapext-ldapv3-vlv-09): a window on a sorted result.
import { BerReader, element, integer, octetString } from '../ber/index.ts';
import { malformed } from '../errors.ts';
import type { Control } from './messages.ts';
import { controlOid } from './oids.ts';
import type { ResultCode } from './result-code.ts';

export type ListTarget =
  /** Counted from 1, in a list that the client believes to be this long; 0 when it has no idea. */
  | { readonly kind: 'offset'; readonly offset: number; readonly contentCount: number }
  /** The first entry that is not below this value of the first sort key. */
  | { readonly kind: 'value'; readonly value: Buffer };

export interface ListViewRequest {
  readonly before: number;
  readonly after: number;
  readonly target: ListTarget;
  /** What the last answer named the list. */
  readonly contextId: Buffer | undefined;
}

export interface ListViewResult {
  /** Counted from 1; 0 for an empty list. */
  readonly position: number;
  readonly contentCount: number;
  readonly code: ResultCode;
  readonly contextId: Buffer | undefined;
}

/** @throws WireError, also for negative counts */
export function decodeListViewRequest(value: Buffer): ListViewRequest {
  const outer = new BerReader(value);
  const reader = outer.enter(0x30);
  outer.end();
  const before = count(reader);
  const after = count(reader);
  const target = decodeTarget(reader);
  const contextId = reader.done ? undefined : reader.octets();
  reader.end();
  return { before, after, target, contextId };
}

function decodeTarget(reader: BerReader): ListTarget {
  if (reader.peekTag() === 0x81) return { kind: 'value', value: reader.octets(0x81) };
  const inner = reader.enter(0xa0);
  const offset = count(inner);
  const contentCount = count(inner);
  inner.end();
  return { kind: 'offset', offset, contentCount };
}

function count(reader: BerReader): number {
  const found = reader.integer();
  if (found < 0) throw malformed(`count of ${found}`);
  return found;
}

export function encodeListViewRequest(
  { before, after, target, contextId }: ListViewRequest,
  criticality = false,
): Control {
  const aim =
    target.kind === 'value'
      ? octetString(target.value, 0x81)
      : element(0xa0, integer(target.offset), integer(target.contentCount));
  const context = contextId === undefined ? [] : [octetString(contextId)];
  const value = element(0x30, integer(before), integer(after), aim, ...context);
  return { type: controlOid.vlvRequest, criticality, value };
}

export function encodeListViewResult({ position, contentCount, code, contextId }: ListViewResult): Control {
  const context = contextId === undefined ? [] : [octetString(contextId)];
  const value = element(0x30, integer(position), integer(contentCount), integer(code, 0x0a), ...context);
  return { type: controlOid.vlvResponse, criticality: false, value };
}

/** The client's direction. @throws WireError */
export function decodeListViewResult(value: Buffer): ListViewResult {
  const outer = new BerReader(value);
  const reader = outer.enter(0x30);
  outer.end();
  const position = count(reader);
  const contentCount = count(reader);
  const code = reader.integer(0x0a) as ResultCode; // other servers may send codes beyond our list
  const contextId = reader.done ? undefined : reader.octets();
  reader.end();
  return { position, contentCount, code, contextId };
}
