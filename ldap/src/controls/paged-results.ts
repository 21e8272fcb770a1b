// Simple paged results (RFC 2696): pages of one result, cut from the entries that matched when the search began, so that a
// refresh in between neither doubles nor loses any.
import {
  type Control,
  controlOid,
  decodePagedResults,
  encodePagedResults,
  resultCode,
  type SearchRequest,
} from '@gatehouse/wire/ldap';
import type { Entry } from '../directory/entry.ts';
import type { Selection } from '../directory/selection.ts';
import { Refusal } from '../errors.ts';
import type { OperationContext } from '../operations/context.ts';

export interface Cursor {
  readonly entries: readonly Entry[];
  readonly selection: Selection;
  /** Entries sent so far, on all pages. */
  at: number;
}

export interface Page {
  readonly size: number;
  /** The search that the cookie goes on with. */
  readonly resume: Cursor | undefined;
}

/** @throws Refusal for a cookie that is not good here */
export function pageSizeOf(request: SearchRequest, { controls, peer }: OperationContext): Page | undefined {
  const control = controls.find(({ type }) => type === controlOid.pagedResults);
  if (control === undefined) return undefined;
  if (control.value === undefined) throw new Refusal(resultCode.protocolError, 'the paging control has no value');
  const { size, cookie } = decodePagedResults(control.value);
  if (cookie.length === 0) return { size: Math.max(0, size), resume: undefined };
  const resume = peer.cursors.take(cookie, keyOf(request));
  if (resume === undefined) throw new Refusal(resultCode.unwillingToPerform, 'the paging cookie is unknown here');
  return { size: Math.max(0, size), resume };
}

/** The response control; with a cursor there is more to come. */
export function pagedResponse(cursor: Cursor | undefined, request: SearchRequest, { peer }: OperationContext): Control {
  if (cursor === undefined) return encodePagedResults({ size: 0, cookie: Buffer.alloc(0) });
  return encodePagedResults({ size: cursor.entries.length, cookie: peer.cursors.keep(keyOf(request), cursor) });
}

/** Everything that must stay the same between pages. */
function keyOf({ baseObject, scope, filter, attributes, typesOnly }: SearchRequest): string {
  return JSON.stringify([baseObject, scope, filter, attributes, typesOnly]);
}
