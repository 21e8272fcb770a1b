// What a bound identity may read (ldap.md §7.3). A reader is made for one identity and cannot show more than that identity
// may see; searches and comparisons know nothing else.
import type { DnKey, Filter, Scope } from '@gatehouse/wire/ldap';
import { resultCode } from '@gatehouse/wire/ldap';
import { fullView, ownView, type Population, type ViewContext } from '../directory/build-view.ts';
import { type Needs, needsOf } from '../directory/needs.ts';
import type { Snapshot } from '../directory/snapshot.ts';
import type { DirectoryView } from '../directory/view.ts';
import { Refusal } from '../errors.ts';

export interface ReadRequest {
  readonly base: DnKey;
  readonly scope: Scope;
  readonly filter: Filter;
  readonly signal: AbortSignal;
}

export interface Reader {
  /** A view in which everything that can match the request is present. */
  view(request: ReadRequest): Promise<DirectoryView>;
}

/** Rows of the core for a search that is not answered from memory. */
export interface LiveDirectory {
  population(needs: Needs, signal: AbortSignal): Promise<Population>;
  own(userPk: number, signal: AbortSignal): Promise<Population>;
}

export interface ReaderOptions {
  readonly userPk: number;
  readonly canSearch: boolean;
  /** The provider's snapshot in cached mode, once it is complete. */
  readonly snapshot: () => Snapshot | undefined;
  readonly live: LiveDirectory;
  readonly context: ViewContext;
}

export function createReader({ userPk, canSearch, snapshot, live, context }: ReaderOptions): Reader {
  return {
    async view({ base, scope, filter, signal }) {
      const memory = snapshot();
      if (memory !== undefined) return canSearch ? memory.view : required(memory.ownView(userPk));
      if (canSearch)
        return fullView(await live.population(needsOf(base, scope, filter, context.provider), signal), context);
      const { users, groups } = await live.own(userPk, signal);
      return required(users[0] === undefined ? undefined : ownView(users[0], groups, context));
    },
  };
}

/** A user that is gone sees nothing any more, and is told so. */
function required(view: DirectoryView | undefined): DirectoryView {
  if (view !== undefined) return view;
  throw new Refusal(resultCode.insufficientAccessRights, 'the bound user does not exist any more', {
    reason: 'user_info_not_cached',
  });
}
