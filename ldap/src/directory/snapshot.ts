// The whole directory of a provider in memory (ldap.md §10): complete and unchanging; a refresh makes a new one. What one
// user sees of himself is made when he first asks, and kept as long as the snapshot.
import { LRUCache } from 'lru-cache';
import { fullView, ownView, type Population, type ViewContext } from './build-view.ts';
import type { DirectoryView } from './view.ts';

const mostOwnViews = 2_000;

export interface Snapshot {
  readonly view: DirectoryView;
  readonly population: Population;
  /** When the rows were fetched. */
  readonly fetchedMs: number;
  /** `undefined` for a user that is not in it. */
  ownView(userPk: number): DirectoryView | undefined;
}

export function createSnapshot(population: Population, context: ViewContext, fetchedMs: number): Snapshot {
  const usersByPk = new Map(population.users.map((user) => [user.pk, user]));
  const own = new LRUCache<number, DirectoryView>({ max: mostOwnViews });
  return {
    view: fullView(population, context),
    population,
    fetchedMs,
    ownView(userPk) {
      const kept = own.get(userPk);
      if (kept !== undefined) return kept;
      const user = usersByPk.get(userPk);
      if (user === undefined) return undefined;
      const made = ownView(user, population.groups, context);
      own.set(userPk, made);
      return made;
    },
  };
}
