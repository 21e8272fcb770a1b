// Simple paged results (RFC 2696; ldap.md §16.2), alone or of a sorted result.
import {
  type Control,
  controlOid,
  decodePagedResults,
  encodePagedResults,
  resultCode,
  type SearchRequest,
} from '@gatehouse/wire/ldap';
import { Refusal } from '../errors.ts';
import type { OperationContext } from '../operations/context.ts';
import type { Cursor } from './cursors.ts';

export interface Page {
  readonly size: number;
  /** The search that the cookie goes on with. */
  readonly resume: Cursor | undefined;
  /** The client wants no more: a size of 0 with a cookie (RFC 2696 §3). */
  readonly isLast: boolean;
}

/** @throws Refusal for a cookie that is not good here; WireError */
export function pageSizeOf(request: SearchRequest, { controls, peer }: OperationContext): Page | undefined {
  const control = controls.find(({ type }) => type === controlOid.pagedResults);
  if (control === undefined) return undefined;
  if (control.value === undefined) throw new Refusal(resultCode.protocolError, 'the paging control has no value');
  const decoded = decodePagedResults(control.value);
  const size = Math.max(0, decoded.size);
  if (decoded.cookie.length === 0) return { size, resume: undefined, isLast: false };
  const resume = peer.cursors.take(decoded.cookie, request);
  if (resume === undefined) throw new Refusal(resultCode.unwillingToPerform, 'the paging cookie is unknown here');
  return { size, resume, isLast: size === 0 };
}

/** The response control; with a cursor there is more to come. */
export function pagedResponse(cursor: Cursor | undefined, request: SearchRequest, { peer }: OperationContext): Control {
  if (cursor === undefined) return encodePagedResults({ size: 0, cookie: Buffer.alloc(0) });
  return encodePagedResults({ size: cursor.entries.length, cookie: peer.cursors.keep(request, cursor) });
}
