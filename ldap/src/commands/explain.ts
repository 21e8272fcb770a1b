// `gatehouse ldap explain <filter>`: how a search would be answered: which index gives how many candidates, what is tested one by
// one, how many match, and what a direct search would ask the core instead. Reads the directory once, changes nothing.
import { type DnKey, type Filter, formatFilter, type SearchRequest } from '@gatehouse/wire/ldap';
import { policyView } from '../access/reader.ts';
import { candidatesOf, kindsOf } from '../directory/candidates.ts';
import { compileFilter } from '../directory/filter.ts';
import { allKinds, bitOf, fixed, group, type Kinds, kindNames, user, virtual } from '../directory/kinds.ts';
import type { Layout } from '../directory/layout.ts';
import { type Listing, needsOf } from '../directory/needs.ts';
import { StoredView } from '../directory/stored-view.ts';
import type { DirectoryView } from '../directory/view.ts';
import type { PolicyView } from '../policy/policy.ts';

export interface ExplainRequest {
  readonly filter: Filter;
  readonly base: DnKey;
  readonly scope: SearchRequest['scope'];
}

/** Lines for people, of a search that is not the first of its kind. Linear in the directory. */
export async function explain(
  { filter, base, scope }: ExplainRequest,
  layout: Layout,
  policy?: PolicyView,
): Promise<string[]> {
  const { provider } = layout.context;
  const view = policy === undefined ? new StoredView(layout) : policyView(layout, undefined, policy);
  const where = view.scope(base, scope);
  const kinds = where.kinds & kindsOf(filter, view);
  await makeIndexes(() => plan(filter, view, kinds, 0), layout);
  const chosen = candidatesOf(filter, view, kinds);
  const tested = chosen ?? view.all(kinds);
  const matches = compileFilter(filter, view);
  let count = 0;
  for (let at = 0; at < tested.length; at += 1) {
    const ref = tested[at] ?? 0;
    if (where.holds(ref) && matches(view.entry(ref)) === true) count += 1;
  }
  const { users, groups } = needsOf({ base, scope, filter, attributes: [] }, provider, policy);
  return [
    `filter      ${formatFilter(filter)}`,
    `base        ${base}, ${scope}`,
    ...(policy === undefined ? [] : describePolicy(policy)),
    `entries     ${view.all(allKinds).length} in all; looked at: ${namesOf(kinds)}`,
    ...plan(filter, view, kinds, 0),
    `candidates  ${chosen === undefined ? `no index helps: all ${tested.length}` : tested.length}`,
    `matches     ${count}`,
    `direct mode asks for ${callsOf('users', users)}, and for ${callsOf('groups', groups)}`,
  ];
}

/** Indexes are made when they are first asked for, and some are asked for once others are there. */
async function makeIndexes(ask: () => unknown, { directory: { users, groups } }: Layout): Promise<void> {
  do ask();
  while ((await users.settled()) || (await groups.settled()));
}

/** What the policy file makes of it for whoever looks. */
function describePolicy({ entry, declared, hidden, limits }: PolicyView): string[] {
  const { usersIn, onlyGroups, activeOnly = false } = limits ?? {};
  const rows = [
    ...(usersIn === undefined ? [] : [`users in ${usersIn.join(', ') || 'no group'}`]),
    ...(activeOnly ? ['active users'] : []),
    ...(onlyGroups === undefined ? [] : [`the groups ${onlyGroups.join(', ') || '(none)'}`]),
  ];
  return [
    `policy      ${entry === undefined ? 'no entry of views is meant: everything is shown' : `entry ${entry} of views`}`,
    ...(hidden === undefined ? [] : [`policy      ${hidden}`]),
    ...(rows.length === 0 ? [] : [`policy      only ${rows.join(', ')}`]),
    ...declared.map(
      ({ kind, name, text, rule, shadowedBy }) =>
        `policy      ${kindNames[kind]}s: ${name} = ${text}  (rule ${rule}${shadowedBy === undefined ? '' : `, not used: rule ${shadowedBy} has the name`})`,
    ),
  ];
}

function namesOf(kinds: Kinds): string {
  const names = ([fixed, user, group, virtual] as const)
    .filter((kind) => (kinds & bitOf(kind)) !== 0)
    .map((kind) => kindNames[kind]);
  return names.length === 0 ? 'none, since no kind can match' : names.map((name) => `${name}s`).join(', ');
}

/** One line a node: what an index says of it. */
function plan(filter: Filter, view: DirectoryView, kinds: Kinds, depth: number): string[] {
  const found = candidatesOf(filter, view, kinds);
  const own = `${'  '.repeat(depth + 1)}${titleOf(filter)}`;
  const line = `plan ${own.padEnd(60)} ${found === undefined ? 'no index' : `${found.length} by index`}`;
  if (filter.kind === 'and' || filter.kind === 'or')
    return [line, ...filter.filters.flatMap((inner) => plan(inner, view, kinds, depth + 1))];
  if (filter.kind === 'not') return [line, ...plan(filter.filter, view, kinds, depth + 1)];
  return [line];
}

function titleOf(filter: Filter): string {
  if (filter.kind === 'and') return 'and: the smallest of';
  if (filter.kind === 'or') return 'or: all of';
  return filter.kind === 'not' ? 'not' : formatFilter(filter);
}

function callsOf(what: string, listings: readonly Listing[]): string {
  if (listings.length === 0) return `no ${what}`;
  return listings
    .map((listing) => (Object.keys(listing).length === 0 ? `all ${what}` : `${what}?${new URLSearchParams(listing)}`))
    .join(', ');
}
