// Search (RFC 4511 §4.5; ldap.md §7): where to look, what matches, what of it goes out.
import {
  type Control,
  controlOid,
  type DnKey,
  dnKey,
  type Filter,
  isWithin,
  type ListViewRequest,
  parseDn,
  resultCode,
  type SearchRequest,
} from '@gatehouse/wire/ldap';
import type { ReadRequest } from '../access/reader.ts';
import type { Identity } from '../authentication/logins.ts';
import { assertEntry } from '../controls/assertion.ts';
import type { Cursor } from '../controls/cursors.ts';
import { matchValues } from '../controls/matched-values.ts';
import { pagedResponse, pageSizeOf } from '../controls/paged-results.ts';
import { sortEntries } from '../controls/server-side-sort.ts';
import { keepList, listViewOf, listViewResponse, resumeList, windowOf } from '../controls/virtual-list-view.ts';
import { candidatesOf } from '../directory/candidates.ts';
import type { Entry } from '../directory/entry.ts';
import { compileFilter } from '../directory/filter.ts';
import { anonymousRoot, boundRoot } from '../directory/fixed-entries.ts';
import { selectAttributes } from '../directory/selection.ts';
import { subschemaEntry } from '../directory/subschema.ts';
import { DirectoryView } from '../directory/view.ts';
import { Refusal } from '../errors.ts';
import type { Answer, OperationContext } from './context.ts';

/** Candidates tested before others get a turn. */
const turnSize = 2_000;

export async function search(request: SearchRequest, context: OperationContext): Promise<Answer> {
  const listView = listViewOf(context.controls);
  if (listView !== undefined) return searchWindow(request, listView, context);
  const page = pageSizeOf(request, context);
  const cursor = page?.resume ?? (await startSearch(request, context));
  if (cursor.refused) return refuseOrder(cursor);
  const limit = Math.min(page?.size ?? Number.POSITIVE_INFINITY, remaining(request, cursor));
  const sent = await sendEntries(cursor, { from: cursor.at, to: cursor.at + limit }, context);
  cursor.at += sent;
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

async function sendEntries(cursor: Cursor, { from, to }: Range, context: OperationContext): Promise<number> {
  const end = Math.min(cursor.entries.length, to);
  for (let at = from; at < end; at += 1) {
    const entry = cursor.entries[at];
    if (entry === undefined) break;
    await context.sendEntry(cursor.selection.encode(entry));
    context.signal.throwIfAborted();
  }
  return Math.max(0, end - from);
}

async function startSearch(request: SearchRequest, context: OperationContext): Promise<Cursor> {
  const { controls } = context;
  const base = baseOf(request);
  const clock = deadlineOf(request, context);
  const view = await viewFor(base, request, context, clock);
  assertEntry(view.find(base), controls, view);
  const matched = hidesAll(controls) ? [] : await matching(view, base, request, clock);
  const sorted = await sortEntries(matched, controls, { view, turn: clock.turn });
  const selection = matchValues(selectAttributes(request.attributes, request.typesOnly, view), controls, view);
  const responses = sorted.response === undefined ? [] : [sorted.response];
  return { entries: sorted.entries, at: 0, selection, responses, refused: sorted.refused, find: sorted.find };
}

/** RFC 3672: only subentries are wanted, and there are none. */
function hidesAll(controls: readonly Control[]): boolean {
  const control = controls.find(({ type }) => type === controlOid.subentries);
  return control?.value !== undefined && control.value.at(-1) !== 0;
}

interface Deadline {
  readonly signal: AbortSignal;
  /** Lets others run. @throws Refusal timeLimitExceeded; the signal's reason */
  readonly turn: () => Promise<void>;
}

/** The client's time limit and our own, whichever is shorter. */
function deadlineOf({ timeLimit }: SearchRequest, { clock, config, signal }: OperationContext): Deadline {
  const ownMs = config.ldap.max_search_time;
  const limitMs = timeLimit === 0 ? ownMs : Math.min(ownMs, timeLimit * 1000);
  const endMs = clock.monotonicMs() + limitMs;
  return {
    get signal() {
      return AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
    },
    async turn() {
      await new Promise((resume) => setImmediate(resume));
      signal.throwIfAborted();
      if (clock.monotonicMs() > endMs) throw new Refusal(resultCode.timeLimitExceeded);
    },
  };
}

function baseOf({ baseObject }: SearchRequest): DnKey {
  try {
    return dnKey(parseDn(baseObject));
  } catch {
    throw new Refusal(resultCode.invalidDNSyntax, `the base "${baseObject.slice(0, 100)}" is no distinguished name`);
  }
}

/** What the search is about: the server's own entries, or what the bound identity may read. */
async function viewFor(
  base: DnKey,
  request: SearchRequest,
  context: OperationContext,
  clock: Deadline,
): Promise<DirectoryView> {
  const { core, peer, config } = context;
  const { identity } = peer;
  if (!peer.secure && config.ldap.require_tls === 'everything' && base !== '')
    throw new Refusal(resultCode.confidentialityRequired, 'searches are answered over TLS only');
  if (base === '')
    return only(
      identity === undefined ? anonymousRoot(core.providers(), core.facts) : boundRoot(identity.provider, core.facts),
      context,
    );
  if (base === 'cn=subschema')
    return identity === undefined ? nothing(context) : only(subschemaEntry(core.types.all), context);
  if (identity === undefined)
    throw new Refusal(resultCode.insufficientAccessRights, 'searching needs a bind', { reason: 'empty_bind_dn' });
  if (!isWithin(base, identity.provider.base.key)) return refuseForeign(base, context);
  if (asksForSubschema(request.filter)) return only(subschemaEntry(core.types.all), context);
  const view = await readWithin(clock, identity, { base, scope: request.scope, filter: request.filter }, context);
  if (view.find(base) === undefined) return missingBase(base, view, context);
  return view;
}

/** Only a search that asks the core has something to wait for. */
async function readWithin(
  clock: Deadline,
  identity: Identity,
  request: Omit<ReadRequest, 'signal'>,
  { core, signal }: OperationContext,
): Promise<DirectoryView> {
  const limited = identity.provider.searchMode === 'direct' ? clock.signal : signal;
  return core
    .readerFor(identity)
    .view({ ...request, signal: limited })
    .catch((error: unknown) => {
      if (limited.aborted && !signal.aborted) throw new Refusal(resultCode.timeLimitExceeded);
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

const only = (entry: Entry, { core }: OperationContext) =>
  new DirectoryView([entry], (folded) => core.types.find(folded));
const nothing = ({ core }: OperationContext) => new DirectoryView([], (folded) => core.types.find(folded));

async function matching(
  view: DirectoryView,
  base: DnKey,
  request: SearchRequest,
  clock: Deadline,
): Promise<readonly Entry[]> {
  const { scope, filter } = request;
  const hidden = hidesVirtualGroups(filter);
  const matches = compileFilter(filter, view);
  const isOwn = view.entries.length === 1 && view.entries[0]?.kind !== 'domain';
  const inScope = (entry: Entry) => (isOwn ? scope !== 'singleLevel' : view.isInScope(entry, base, scope));
  const found: Entry[] = [];
  let tested = 0;
  for (const entry of candidates(view, base, request)) {
    tested += 1;
    if (tested % turnSize === 0) await clock.turn();
    if (hidden && entry.kind === 'virtual group') continue;
    if (inScope(entry) && matches(entry) === true) found.push(entry);
  }
  return found;
}

/** In the view's order. */
function candidates(view: DirectoryView, base: DnKey, { scope, filter }: SearchRequest): Iterable<Entry> {
  const single = view.find(base);
  if (scope === 'baseObject' && single !== undefined) return [single];
  const positions = candidatesOf(filter, view);
  if (positions === undefined) return view.entries;
  return positions.toSorted((one, other) => one - other).flatMap((at) => view.entries[at] ?? []);
}

/** Values of `objectClass` that a filter names, at any depth. */
function classesIn(filter: Filter): string[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.flatMap(classesIn);
    case 'not':
      return classesIn(filter.filter);
    case 'equalityMatch':
      return filter.attribute.toLowerCase() === 'objectclass' ? [filter.value.toString('utf8').toLowerCase()] : [];
    default:
      return [];
  }
}

/** Filters that name only these classes have never seen virtual groups, and POSIX clients rely on it (ldap.md §7.4). */
function hidesVirtualGroups(filter: Filter): boolean {
  const classes = classesIn(filter);
  const real = ['posixgroup', 'goauthentik.io/ldap/group'];
  return classes.some((name) => real.includes(name)) && classes.every((name) => real.includes(name));
}

function asksForSubschema(filter: Filter): boolean {
  return classesIn(filter).at(-1) === 'subschema';
}
