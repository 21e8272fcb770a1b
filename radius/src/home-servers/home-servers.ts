// The home servers of the policy file in force, by name. What stays the same at a refresh keeps its sockets, its requests in
// work and what is known of it.
import type { HomeServerRule } from '../realms/realm-rules.ts';
import { createHomeServer, type HomeServer, type HomeServerDeps } from './home-server.ts';

export interface HomeServers {
  replace(rules: readonly HomeServerRule[]): void;
  /** Those that are there, in this order. */
  named(names: readonly string[]): HomeServer[];
  all(): readonly HomeServer[];
  close(): void;
}

export function createHomeServers(deps: HomeServerDeps): HomeServers {
  let current = new Map<string, { readonly identity: string; readonly server: HomeServer }>();
  return {
    replace(rules) {
      const before = current;
      current = new Map(
        rules.map((rule) => {
          const { name, identity } = rule;
          const same = before.get(name)?.identity === identity ? before.get(name) : undefined;
          return [name, same ?? { identity, server: createHomeServer(rule, deps) }];
        }),
      );
      for (const [name, one] of before) if (current.get(name) !== one) one.server.close();
    },
    named: (names) => names.flatMap((name) => current.get(name)?.server ?? []),
    all: () => [...current.values()].map(({ server }) => server),
    close() {
      for (const { server } of current.values()) server.close();
      current = new Map();
    },
  };
}
