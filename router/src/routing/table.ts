// The routing table as data (router.md §6): first match wins. Which host belongs to an outpost application is asked
// before, by the embedded outpost itself.
import type { Usage } from '@gatehouse/storage';
import type { NormalisedPath } from './path.ts';

export type Route =
  | { readonly to: 'asset'; readonly file: string }
  | { readonly to: 'stored-file'; readonly usage: Usage; readonly path: string }
  | { readonly to: 'robots' | 'security-txt' | 'hidden-metrics' | 'health-live' | 'health-startup' | 'core' }
  /** A link of the time of permanent URLs. */
  | { readonly to: 'old-media'; readonly path: string }
  | { readonly to: 'redirect'; readonly location: string }
  | { readonly to: 'nowhere' };

export interface RoutingOptions {
  /** Starts and ends with `/`. */
  readonly webPath: string;
  /** Usages whose files are on disk, and so served here. */
  readonly localUsages: readonly Usage[];
  /** Whether links below /media/ are followed. */
  readonly oldMedia?: boolean;
}

type Rule = (rest: string, options: RoutingOptions) => Route | undefined;

const rules: readonly Rule[] = [
  (rest) => below(rest, 'static/dist/', (file) => ({ to: 'asset', file: `dist/${file}` })),
  (rest) => below(rest, 'static/authentik/', (file) => ({ to: 'asset', file: `authentik/${file}` })),
  (rest) =>
    matching(rest, /^if\/(?:flow\/[^/]+|admin|user|rac\/[^/]+)\/assets(\/.*)$/, (file) => ({
      to: 'asset',
      file: `dist/assets${file}`,
    })),
  (rest, { localUsages }) =>
    localUsages.reduce<Route | undefined>(
      (found, usage) => found ?? below(rest, `files/${usage}/`, (path) => ({ to: 'stored-file', usage, path })),
      undefined,
    ),
  (rest, { oldMedia }) =>
    oldMedia === true ? below(rest, 'media/', (path) => ({ to: 'old-media', path })) : undefined,
  (rest) => exactly(rest, 'robots.txt', { to: 'robots' }),
  (rest) => exactly(rest, '.well-known/security.txt', { to: 'security-txt' }),
  (rest) => exactly(rest, '-/metrics/', { to: 'hidden-metrics' }),
  (rest) => exactly(rest, '-/health/live/', { to: 'health-live' }),
  (rest) => exactly(rest, '-/health/startup/', { to: 'health-startup' }),
];

/** Where a canonical path goes. */
export function route(path: NormalisedPath, options: RoutingOptions): Route {
  const { webPath } = options;
  if (!path.startsWith(webPath)) {
    const short = path === '/' || `${path}/` === webPath;
    return short ? { to: 'redirect', location: webPath } : { to: 'nowhere' };
  }
  const rest = path.slice(webPath.length);
  for (const rule of rules) {
    const found = rule(rest, options);
    if (found !== undefined) return found;
  }
  return { to: 'core' };
}

function below(rest: string, prefix: string, make: (rest: string) => Route): Route | undefined {
  return rest.startsWith(prefix) ? make(rest.slice(prefix.length)) : undefined;
}

function matching(rest: string, pattern: RegExp, make: (rest: string) => Route): Route | undefined {
  const found = pattern.exec(rest);
  return found === null ? undefined : make(found[1] ?? '');
}

function exactly(rest: string, path: string, found: Route): Route | undefined {
  return rest === path ? found : undefined;
}
