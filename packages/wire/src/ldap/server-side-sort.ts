// Bytes of the server-side sorting controls (RFC 2891).
import { BerReader, boolean, element, integer, octetString } from '../ber/index.ts';
import { malformed } from '../errors.ts';
import type { Control } from './messages.ts';
import { controlOid } from './oids.ts';
import type { ResultCode } from './result-code.ts';

export interface SortKey {
  readonly attribute: string;
  /** Name or number of an ordering rule; absent: the attribute's own. */
  readonly rule: string | undefined;
  readonly reverse: boolean;
}

export interface SortResult {
  readonly code: ResultCode;
  /** The key that stands in the way. */
  readonly attribute: string | undefined;
}

/** @throws WireError, also for a list without keys */
export function decodeSortRequest(value: Buffer): SortKey[] {
  const outer = new BerReader(value);
  const list = outer.enter(0x30);
  outer.end();
  const keys: SortKey[] = [];
  while (!list.done) {
    const key = list.enter(0x30);
    const attribute = key.text();
    const rule = key.peekTag() === 0x80 ? key.text(0x80) : undefined;
    const reverse = key.peekTag() === 0x81 ? key.boolean(0x81) : false;
    key.end();
    keys.push({ attribute, rule, reverse });
  }
  if (keys.length === 0) throw malformed('sort control without a key');
  return keys;
}

export function encodeSortRequest(keys: readonly SortKey[], criticality = false): Control {
  const rows = keys.map(({ attribute, rule, reverse }) =>
    element(
      0x30,
      octetString(attribute),
      ...(rule === undefined ? [] : [octetString(rule, 0x80)]),
      ...(reverse ? [boolean(true, 0x81)] : []),
    ),
  );
  return { type: controlOid.sortRequest, criticality, value: element(0x30, ...rows) };
}

export function encodeSortResult({ code, attribute }: SortResult): Control {
  const parts = [integer(code, 0x0a), ...(attribute === undefined ? [] : [octetString(attribute, 0x80)])];
  return { type: controlOid.sortResponse, criticality: false, value: element(0x30, ...parts) };
}

/** The client's direction. @throws WireError */
export function decodeSortResult(value: Buffer): SortResult {
  const outer = new BerReader(value);
  const reader = outer.enter(0x30);
  outer.end();
  const code = reader.integer(0x0a) as ResultCode; // other servers may send codes beyond our list
  const attribute = reader.peekTag() === 0x80 ? reader.text(0x80) : undefined;
  reader.end();
  return { code, attribute };
}
