// Search (RFC 4511 §4.5; ldap.md §7): where to look, what matches, what of it goes out.
import { nextTurn } from '@gatehouse/daemon/async';
import {
  type Control,
  controlOid,
  type DnKey,
  dnKeyOf,
  isWithin,
  type ListViewRequest,
  resultCode,
  type SearchRequest,
} from '@gatehouse/wire/ldap';
import type { Identity } from '../authentication/logins.ts';
import { saslMechanisms } from '../authentication/sasl.ts';
import { assertEntry } from '../controls/assertion.ts';
import type { Cursor } from '../controls/cursors.ts';
import { matchValues } from '../controls/matched-values.ts';
import { pagedResponse, pageSizeOf } from '../controls/paged-results.ts';
import { sortEntries } from '../controls/server-side-sort.ts';
import { keepList, listViewOf, listViewResponse, resumeList, windowOf } from '../controls/virtual-list-view.ts';
import type { Entry } from '../directory/entry.ts';
import { anonymousRoot, boundRoot, type ServerFacts } from '../directory/fixed-entries.ts';
import type { EntryList } from '../directory/found-entries.ts';
import type { Layout } from '../directory/layout.ts';
import { selectAttributes } from '../directory/selection.ts';
import { StoredView } from '../directory/stored-view.ts';
import { subschemaEntry } from '../directory/subschema.ts';
import { type DirectoryView, PlainView } from '../directory/view.ts';
import { Refusal } from '../errors.ts';
import type { Answer, OperationContext } from './context.ts';
import { type Deadline, deadlineOf, firstStretchMs, turnMs } from './deadline.ts';
import { KnownSearch, keepAnswer } from './known-searches.ts';
import { asksForSubschema, matching } from './matching.ts';
import { after, type Soon } from './soon.ts';

export function search(request: SearchRequest, context: OperationContext): Soon<Answer> {
  return request instanceof KnownSearch ? searchKnown(request, context) : searchPlainly(request, context);
}

/** A search without controls, whose answer may be there already, or is kept where it is small and complete. */
function searchKnown(request: KnownSearch, context: OperationContext): Soon<Answer> {
  const { core, peer, output } = context;
  const layout = peer.identity === undefined ? undefined : core.sharedLayout(peer.identity);
  if (layout === undefined) return searchPlainly(request, context);
  const entries = request.answerIn(layout);
  if (entries === undefined) return searchToKeep(request, layout, context);
  for (const entry of entries) output.writeEncoded(entry);
  return { op: { op: 'searchResultDone', resultCode: resultCode.success }, controls: [], entries: entries.length };
}

function searchToKeep(request: KnownSearch, layout: Layout, context: OperationContext): Soon<Answer> {
  const { version } = layout.directory;
  return after(startSearch(request, context), (cursor) => {
    const { view, entries, selection } = cursor;
    const isCurrent = view instanceof StoredView && view.layout === layout && layout.directory.version === version;
    if (isCurrent && remaining(request, cursor) >= entries.length) keepAnswer(request, layout, { entries, selection });
    return sendPage(cursor, { request, page: undefined }, context);
  });
}

function searchPlainly(request: SearchRequest, context: OperationContext): Soon<Answer> {
  const listView = listViewOf(context.controls);
  if (listView !== undefined) return searchWindow(request, listView, context);
  const page = pageSizeOf(request, context);
  return after(page?.resume ?? startSearch(request, context), (cursor) => {
    if (cursor.refused) return refuseOrder(cursor);
    return sendPage(cursor, { request, page }, context);
  });
}

interface Part {
  readonly request: SearchRequest;
  readonly page: ReturnType<typeof pageSizeOf>;
}

function sendPage(cursor: Cursor, part: Part, context: OperationContext): Soon<Answer> {
  const limit = Math.min(part.page?.size ?? Number.POSITIVE_INFINITY, remaining(part.request, cursor));
  return after(sendEntries(cursor, { from: cursor.at, to: cursor.at + limit }, context), (sent) => {
    cursor.at += sent;
    return closeSearch(cursor, part, sent, context);
  });
}

function closeSearch(cursor: Cursor, { request, page }: Part, sent: number, context: OperationContext): Answer {
  const more = cursor.at < cursor.entries.length;
  const cut = more && remaining(request, cursor) === 0;
  const code =
    cut && context.config.ldap.size_limit_result === 'rfc' ? resultCode.sizeLimitExceeded : resultCode.success;
  const open = more && !cut && page?.isLast !== true;
  const controls = page === undefined ? [] : [pagedResponse(open ? cursor : undefined, request, context)];
  return {
    op: { op: 'searchResultDone', resultCode: code },
    controls: [...controls, ...cursor.responses],
    entries: sent,
  };
}

/** A list view shows a part of the whole each time; the whole is kept for the next. */
async function searchWindow(request: SearchRequest, view: ListViewRequest, context: OperationContext): Promise<Answer> {
  const cursor = resumeList(view, request, context) ?? (await startSearch(request, context));
  if (cursor.refused) return refuseOrder(cursor);
  const window = windowOf(view, cursor.entries.length, cursor.find);
  const sent = await sendEntries(cursor, { from: window.start, to: window.end }, context);
  const response = listViewResponse(window, cursor.entries.length, keepList(cursor, request, context));
  const op = { op: 'searchResultDone', resultCode: window.code } as const;
  return { op, controls: [...cursor.responses, response], entries: sent };
}

/** RFC 2891 §2: a critical order that cannot be had means no entries. */
function refuseOrder({ responses }: Cursor): Answer {
  const op = { op: 'searchResultDone', resultCode: resultCode.unavailableCriticalExtension } as const;
  return { op, controls: responses, entries: 0 };
}

/** How many entries the client's size limit still allows. */
function remaining({ sizeLimit }: SearchRequest, { at }: Cursor): number {
  return sizeLimit === 0 ? Number.POSITIVE_INFINITY : Math.max(0, sizeLimit - at);
}

interface Range {
  readonly from: number;
  /** Not included. */
  readonly to: number;
}

function sendEntries(cursor: Cursor, { from, to }: Range, context: OperationContext): Soon<number> {
  const end = Math.min(cursor.entries.length, to);
  if (from >= end) return 0;
  const first = sendFor(firstStretchMs(), cursor, { from, to: end }, context);
  return first < end ? sendRest(cursor, { from: first, to: end }, from, context) : end - from;
}

async function sendRest(
  cursor: Cursor,
  { from, to }: Range,
  began: number,
  context: OperationContext,
): Promise<number> {
  for (let at = from; at < to; ) {
    await context.output.flush();
    await nextTurn();
    context.signal.throwIfAborted();
    at = sendFor(turnMs, cursor, { from: at, to }, context);
  }
  return to - began;
}

/** Sends until the time is over; a single entry may be a group of thousands. @returns how far it came */
function sendFor(ms: number, { entries, selection }: Cursor, { from, to }: Range, context: OperationContext): number {
  const { output, clock } = context;
  const endMs = to - from > few ? clock.monotonicMs() + ms : Number.POSITIVE_INFINITY;
  for (let at = from; at < to; at += 1) {
    const entry = entries.at(at);
    if (entry !== undefined) output.write(entry, selection);
    if (to - from > few && clock.monotonicMs() >= endMs) return at + 1;
  }
  return to;
}

/** So few are sent without a look at the clock. */
const few = 2;

function startSearch(request: SearchRequest, context: OperationContext): Soon<Cursor> {
  const { controls } = context;
  const base = baseOf(request);
  const clock = deadlineOf(request, context);
  return after(viewFor(base, request, context, clock), (view) => {
    assertEntry(view.find(base), controls, view);
    return after(hidesAll(controls) ? [] : matching(view, base, request, clock), (matched) => {
      const selection = selectAttributes(request.attributes, request.typesOnly, view);
      if (controls.length === 0) return cursorOf(view, matched, selection);
      return sortedCursor(matched, matchValues(selection, controls, view), { view, context, clock });
    });
  });
}

function cursorOf(view: DirectoryView, entries: EntryList, selection: Cursor['selection']): Cursor {
  return { view, entries, at: 0, selection, responses: [], refused: false, find: () => 0 };
}

interface Surroundings {
  readonly view: DirectoryView;
  readonly context: OperationContext;
  readonly clock: Deadline;
}

async function sortedCursor(
  matched: EntryList,
  selection: Cursor['selection'],
  { view, context, clock }: Surroundings,
): Promise<Cursor> {
  const sorted = await sortEntries(matched, context.controls, { view, turn: clock.turn });
  const responses = sorted.response === undefined ? [] : [sorted.response];
  const { entries, refused, find } = sorted;
  return { view, entries, at: 0, selection, responses, refused, find };
}

/** RFC 3672: only subentries are wanted, and there are none. */
function hidesAll(controls: readonly Control[]): boolean {
  const control = controls.find(({ type }) => type === controlOid.subentries);
  return control?.value !== undefined && control.value.at(-1) !== 0;
}

function baseOf({ baseObject }: SearchRequest): DnKey {
  const key = dnKeyOf(baseObject);
  if (key !== undefined) return key;
  throw new Refusal(resultCode.invalidDNSyntax, `the base "${baseObject.slice(0, 100)}" is no distinguished name`);
}

/** What the search is about: the server's own entries, or what the bound identity may read. */
function viewFor(base: DnKey, request: SearchRequest, context: OperationContext, clock: Deadline): Soon<DirectoryView> {
  const { core, peer } = context;
  const { identity } = peer;
  if (base === '')
    return only(
      identity === undefined
        ? anonymousRoot(core.providers(), factsFor(context))
        : boundRoot(identity.provider, factsFor(context)),
      context,
    );
  if (base === 'cn=subschema')
    return identity === undefined ? nothing(context) : subschemaFor(identity, context, clock);
  if (identity === undefined)
    throw new Refusal(resultCode.insufficientAccessRights, 'searching needs a bind', { reason: 'empty_bind_dn' });
  if (!isWithin(base, identity.provider.base.key)) return refuseForeign(base, context);
  if (asksForSubschema(request.filter)) return subschemaFor(identity, context, clock);
  return after(readWithin(clock, identity, base, request, context), (view) =>
    view.find(base) === undefined ? missingBase(base, view, context) : view,
  );
}

function subschemaFor(identity: Identity, context: OperationContext, clock: Deadline): Soon<DirectoryView> {
  const { core } = context;
  return after(core.policyFor(identity, clock.signal), (policy) =>
    only(subschemaEntry(core.types.all, policy?.map), context),
  );
}

/** What this client may use: passwords are nothing for clear text. */
function factsFor({ core, peer, config }: OperationContext): ServerFacts {
  const passwordModify = peer.secure && config.ldap.password_modify !== '';
  return { ...core.facts, saslMechanisms: saslMechanisms(peer), passwordModify };
}

/** Only a search that asks the core has something to wait for. */
function readWithin(
  clock: Deadline,
  identity: Identity,
  base: DnKey,
  { scope, filter, attributes }: SearchRequest,
  context: OperationContext,
): Soon<DirectoryView> {
  const reader = context.core.readerFor(identity, clock.signal);
  const request = { base, scope, filter, attributes, signal: clock.signal };
  const view = reader instanceof Promise ? reader.then((ready) => ready.view(request)) : reader.view(request);
  if (!(view instanceof Promise)) return view;
  return view.catch((error: unknown) => {
    if (clock.isOver() && !context.signal.aborted) throw new Refusal(resultCode.timeLimitExceeded);
    throw error;
  });
}

function refuseForeign(base: DnKey, { core }: OperationContext): never {
  if (core.providers().some((provider) => isWithin(base, provider.base.key)))
    throw new Refusal(resultCode.insufficientAccessRights, 'the bind belongs to another base', {
      reason: 'invalid_bind_dn',
    });
  throw new Refusal(resultCode.noSuchObject);
}

/** "Not there" and "not yours" look the same. */
function missingBase(base: DnKey, view: DirectoryView, context: OperationContext): DirectoryView {
  if (context.config.ldap.missing_base === 'success') return nothing(context);
  const matchedDN = view.nearest(base)?.dn;
  throw new Refusal(resultCode.noSuchObject, '', matchedDN === undefined ? {} : { matchedDN });
}

const only = (entry: Entry, { core }: OperationContext) => new PlainView([entry], (folded) => core.types.find(folded));
const nothing = ({ core }: OperationContext) => new PlainView([], (folded) => core.types.find(folded));
