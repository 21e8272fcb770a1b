// Which application a host belongs to (proxy.md §2.5): a hash for exact hosts, a tree of domain labels for cookie domains,
// and the only application there is. Constant time for any number of providers (WISHES P18). Built whole at each refresh.
import { type Authority, bareDomain, defaultPort, type Scheme } from '../request/host-name.ts';

/** What of an application decides where it is found. */
export interface Locatable {
  readonly pk: number;
  readonly name: string;
  readonly mode: 'proxy' | 'forward_single' | 'forward_domain';
  readonly external: { readonly scheme: Scheme; readonly authority: Authority };
  readonly cookieDomain: string;
}

export type Found<A> =
  | { readonly kind: 'found'; readonly application: A; readonly how: 'exact' | 'domain' | 'only' }
  | { readonly kind: 'unknown' };

export interface Lookup<A> {
  find(authority: Authority): Found<A>;
  /** Hosts that resemble this one, for the log line that explains a miss. Looks at every host. */
  nearest(host: string): readonly string[];
  byPk(pk: number): A | undefined;
  readonly size: number;
}

interface Label<A> {
  readonly below: Map<string, Label<A>>;
  application?: A;
}

/** @param applications in the order of the core, by name: of two with the same external host the later one wins */
export function createLookup<A extends Locatable>(applications: readonly A[]): Lookup<A> {
  const exact = new Map<string, A>();
  const root: Label<A> = { below: new Map() };
  for (const application of applications) {
    for (const key of exactKeys(application.external)) exact.set(key, application);
    if (application.mode === 'forward_domain') plant(root, bareDomain(application.cookieDomain), application);
  }
  const byPk = new Map(applications.map((application) => [application.pk, application]));
  const only = applications.length === 1 ? applications[0] : undefined;
  return {
    size: applications.length,
    byPk: (pk) => byPk.get(pk),
    find({ host, port }) {
      const application = exact.get(port === undefined ? host : `${host}:${port}`);
      if (application !== undefined) return { kind: 'found', application, how: 'exact' };
      const domain = longest(root, host);
      if (domain !== undefined) return { kind: 'found', application: domain, how: 'domain' };
      return only === undefined ? { kind: 'unknown' } : { kind: 'found', application: only, how: 'only' };
    },
    nearest: (host) => nearestOf(applications, host),
  };
}

function exactKeys({ scheme, authority: { host, port } }: Locatable['external']): string[] {
  const standard = defaultPort[scheme];
  return port === undefined || port === standard ? [host, `${host}:${standard}`] : [`${host}:${port}`];
}

function plant<A extends Locatable>(root: Label<A>, domain: string, application: A): void {
  if (domain === '') return;
  let at = root;
  for (const name of domain.split('.').toReversed()) {
    const next: Label<A> = at.below.get(name) ?? { below: new Map() };
    at.below.set(name, next);
    at = next;
  }
  if (at.application === undefined || application.name < at.application.name) at.application = application;
}

function longest<A>(root: Label<A>, host: string): A | undefined {
  let at: Label<A> | undefined = root;
  let best: A | undefined;
  const labels = host.split('.');
  for (let index = labels.length - 1; index >= 0; index--) {
    at = at.below.get(labels[index] ?? '');
    if (at === undefined) break;
    best = at.application ?? best;
  }
  return best;
}

function nearestOf(applications: readonly Locatable[], host: string): string[] {
  return applications
    .map(({ external }) => ({ host: external.authority.host, distance: distance(external.authority.host, host) }))
    .filter((candidate) => candidate.distance <= Math.max(3, host.length / 3))
    .sort((one, other) => one.distance - other.distance)
    .slice(0, 3)
    .map((candidate) => candidate.host);
}

/** Levenshtein distance of two names, each cut at 64 letters. */
function distance(one: string, other: string): number {
  const left = one.slice(0, 64);
  const right = other.slice(0, 64);
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let at = 1; at <= left.length; at++) {
    const next = [at];
    for (let to = 1; to <= right.length; to++) {
      const substitution = (row[to - 1] ?? 0) + (left[at - 1] === right[to - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
