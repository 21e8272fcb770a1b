// Bytes of the paged results control (RFC 2696), request and response alike.
import { BerReader, element, integer, octetString } from '../ber/index.ts';
import type { Control } from './messages.ts';
import { controlOid } from './oids.ts';

export interface PagedResults {
  /** Request: entries per page; response: estimate of the whole. */
  readonly size: number;
  readonly cookie: Buffer;
}

/** @throws WireError */
export function decodePagedResults(value: Buffer): PagedResults {
  const outer = new BerReader(value);
  const reader = outer.enter(0x30);
  outer.end();
  const found = { size: reader.integer(), cookie: reader.octets() };
  reader.end();
  return found;
}

export function encodePagedResults({ size, cookie }: PagedResults, criticality = false): Control {
  return { type: controlOid.pagedResults, criticality, value: element(0x30, integer(size), octetString(cookie)) };
}
