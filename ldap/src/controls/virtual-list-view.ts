// Virtual list views (draft-ietf-ldapext-ldapv3-vlv-09; ldap.md §16.2): a window on a sorted result, by position or by value.
import {
  type Control,
  controlOid,
  decodeListViewRequest,
  encodeListViewResult,
  type ListTarget,
  type ListViewRequest,
  type ResultCode,
  resultCode,
  type SearchRequest,
} from '@gatehouse/wire/ldap';
import { Refusal } from '../errors.ts';
import type { OperationContext } from '../operations/context.ts';
import type { Cursor } from './cursors.ts';

/** @throws Refusal, WireError */
export function listViewOf(controls: readonly Control[]): ListViewRequest | undefined {
  const control = controls.find(({ type }) => type === controlOid.vlvRequest);
  if (control === undefined) return undefined;
  if (control.value === undefined) throw new Refusal(resultCode.protocolError, 'the list view has no value');
  if (controls.some(({ type }) => type === controlOid.pagedResults))
    throw new Refusal(resultCode.unwillingToPerform, 'a list view is not paged');
  if (!controls.some(({ type }) => type === controlOid.sortRequest))
    throw new Refusal(resultCode.sortControlMissing, 'a list view needs an order');
  return decodeListViewRequest(control.value);
}

/** The list that the client has seen a part of; an unknown one is made anew. */
export function resumeList(
  { contextId }: ListViewRequest,
  request: SearchRequest,
  { peer }: OperationContext,
): Cursor | undefined {
  return contextId === undefined ? undefined : peer.cursors.take(contextId, request);
}

/** @returns the context id for the next window */
export function keepList(cursor: Cursor, request: SearchRequest, { peer }: OperationContext): Buffer {
  return peer.cursors.keep(request, cursor);
}

/** Positions counted from 0, the end not included. */
export interface Window {
  readonly start: number;
  readonly end: number;
  readonly code: ResultCode;
  /** Counted from 1. */
  readonly position: number;
}

/** @param find position of a value in the order */
export function windowOf(
  { before, after, target }: ListViewRequest,
  count: number,
  find: (value: string) => number,
): Window {
  const position = positionOf(target, count, find);
  if (position === undefined) return { start: 0, end: 0, code: resultCode.offsetRangeError, position: 0 };
  // A value beyond the last one points behind the list: what comes before it is still shown.
  const start = Math.max(0, position - 1 - before);
  const end = Math.min(count, position + after);
  return { start: Math.min(start, count), end, code: resultCode.success, position };
}

/** Counted from 1; one more than the list is long means behind its end. `undefined` for an offset that is none. */
function positionOf(target: ListTarget, count: number, find: (value: string) => number): number | undefined {
  if (target.kind === 'value') return find(target.value.toString('utf8')) + 1;
  const { offset, contentCount } = target;
  if (offset === 0) return undefined;
  if (contentCount === 0 || contentCount === count) return Math.min(offset, count + 1);
  if (offset >= contentCount) return Math.max(1, count);
  // §5: what the client believes is scaled to what there is.
  return Math.max(1, Math.round((count * offset) / contentCount));
}

export function listViewResponse({ code, position }: Window, contentCount: number, contextId: Buffer): Control {
  return encodeListViewResult({ position, contentCount, code, contextId });
}
