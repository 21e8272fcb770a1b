// What a bound identity may read (ldap.md §7.3). A reader is made for one identity and cannot show more than that identity
// may see; searches and comparisons know nothing else.
import type { DnKey, Filter, Scope } from '@gatehouse/wire/ldap';
import { resultCode } from '@gatehouse/wire/ldap';
import type { Directory } from '../directory/directory.ts';
import { Layout, type ViewContext } from '../directory/layout.ts';
import type { LiveDirectory } from '../directory/live.ts';
import { needsOf } from '../directory/needs.ts';
import { StoredView } from '../directory/stored-view.ts';
import type { DirectoryView } from '../directory/view.ts';
import { Refusal } from '../errors.ts';

export interface ReadRequest {
  readonly base: DnKey;
  readonly scope: Scope;
  readonly filter: Filter;
  /** Asked for by readers that have to wait. */
  readonly signal: () => AbortSignal;
}

export interface Reader {
  /** A view in which everything that can match the request is present; at once when it is in memory. */
  view(request: ReadRequest): DirectoryView | Promise<DirectoryView>;
}

export interface ReaderOptions {
  readonly userPk: number;
  readonly canSearch: boolean;
  /** The provider's directory in cached mode, once it is complete. */
  readonly memory: Layout | undefined;
  readonly live: LiveDirectory;
  readonly context: ViewContext;
}

export function createReader({ userPk, canSearch, memory, live, context }: ReaderOptions): Reader {
  const viewOf = (layout: Layout): DirectoryView =>
    canSearch ? new StoredView(layout) : ownView(layout, layout.directory.rowOfUser(userPk));
  return {
    view(request) {
      if (memory !== undefined) return viewOf(memory);
      const { base, scope, filter } = request;
      const signal = request.signal();
      const read: Promise<Directory> = canSearch
        ? live.read(needsOf(base, scope, filter, context.provider), signal)
        : live.own(userPk, signal);
      return read.then((directory) => viewOf(new Layout(directory, context)));
    },
  };
}

/** A user that is gone sees nothing any more, and is told so. */
function ownView(layout: Layout, row: number | undefined): DirectoryView {
  if (row !== undefined) return new StoredView(layout, row);
  throw new Refusal(resultCode.insufficientAccessRights, 'the bound user does not exist any more', {
    reason: 'user_info_not_cached',
  });
}
