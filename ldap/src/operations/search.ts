// Search (RFC 4511 §4.5; ldap.md §7): where to look, what matches, what of it goes out.
import {
  type DnKey,
  dnKey,
  type Filter,
  isWithin,
  parseDn,
  resultCode,
  type SearchRequest,
} from '@gatehouse/wire/ldap';
import { type Cursor, pagedResponse, pageSizeOf } from '../controls/paged-results.ts';
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
  const page = pageSizeOf(request, context);
  const cursor = page?.resume ?? (await startSearch(request, context));
  const limit = Math.min(page?.size ?? Number.POSITIVE_INFINITY, remaining(request, cursor));
  const sent = await sendEntries(cursor, limit, context);
  cursor.at += sent;
  const more = cursor.at < cursor.entries.length;
  const cut = more && remaining(request, cursor) === 0;
  const code =
    cut && context.config.ldap.size_limit_result === 'rfc' ? resultCode.sizeLimitExceeded : resultCode.success;
  const controls =
    page === undefined ? [] : [pagedResponse(cut ? undefined : more ? cursor : undefined, request, context)];
  return { op: { op: 'searchResultDone', resultCode: code }, controls, entries: sent };
}

/** How many entries the client's size limit still allows. */
function remaining({ sizeLimit }: SearchRequest, { at }: Cursor): number {
  return sizeLimit === 0 ? Number.POSITIVE_INFINITY : Math.max(0, sizeLimit - at);
}

async function sendEntries(cursor: Cursor, limit: number, context: OperationContext): Promise<number> {
  const end = Math.min(cursor.entries.length, cursor.at + limit);
  for (let at = cursor.at; at < end; at += 1) {
    const entry = cursor.entries[at];
    if (entry === undefined) break;
    await context.sendEntry(cursor.selection.encode(entry));
    context.signal.throwIfAborted();
  }
  return end - cursor.at;
}

async function startSearch(request: SearchRequest, context: OperationContext): Promise<Cursor> {
  const base = baseOf(request);
  const view = await viewFor(base, request, context);
  const entries = await matching(view, base, request, context);
  return { entries, at: 0, selection: selectAttributes(request.attributes, request.typesOnly, view) };
}

function baseOf({ baseObject }: SearchRequest): DnKey {
  try {
    return dnKey(parseDn(baseObject));
  } catch {
    throw new Refusal(resultCode.invalidDNSyntax, `the base "${baseObject.slice(0, 100)}" is no distinguished name`);
  }
}

/** What the search is about: the server's own entries, or what the bound identity may read. */
async function viewFor(base: DnKey, request: SearchRequest, context: OperationContext): Promise<DirectoryView> {
  const { core, peer, config, signal } = context;
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
  const view = await core.readerFor(identity).view({ base, scope: request.scope, filter: request.filter, signal });
  if (view.find(base) === undefined) return missingBase(base, view, context);
  return view;
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
  context: OperationContext,
): Promise<readonly Entry[]> {
  const { scope, filter } = request;
  const hidden = hidesVirtualGroups(filter);
  const matches = compileFilter(filter, view);
  const isOwn = view.entries.length === 1 && view.entries[0]?.kind !== 'domain';
  const inScope = (entry: Entry) => (isOwn ? scope !== 'singleLevel' : view.isInScope(entry, base, scope));
  const found: Entry[] = [];
  const deadline = request.timeLimit === 0 ? undefined : context.clock.monotonicMs() + request.timeLimit * 1000;
  let tested = 0;
  for (const entry of candidates(view, base, request)) {
    tested += 1;
    if (tested % turnSize === 0) await takeTurn(deadline, context);
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

async function takeTurn(deadline: number | undefined, { clock, signal }: OperationContext): Promise<void> {
  await new Promise((resume) => setImmediate(resume));
  signal.throwIfAborted();
  if (deadline !== undefined && clock.monotonicMs() > deadline) throw new Refusal(resultCode.timeLimitExceeded);
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
