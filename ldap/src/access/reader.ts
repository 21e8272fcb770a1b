// What a bound identity may read (ldap.md §7.3). A reader is made for one identity and cannot show more than that identity
// may see, by its right to search and by the policy file; searches and comparisons know nothing else.
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { DnKey, Filter, Scope } from '@gatehouse/wire/ldap';
import { resultCode } from '@gatehouse/wire/ldap';
import type { Directory } from '../directory/directory.ts';
import { Layout, type ViewContext } from '../directory/layout.ts';
import type { LiveDirectory } from '../directory/live.ts';
import { MappedView } from '../directory/mapped-view.ts';
import { needsOf } from '../directory/needs.ts';
import { limitRows } from '../directory/row-limits.ts';
import { StoredView } from '../directory/stored-view.ts';
import type { DirectoryView } from '../directory/view.ts';
import { Refusal } from '../errors.ts';
import type { PolicyView } from '../policy/policy.ts';
import type { Provider } from '../providers/provider.ts';

export interface ReadRequest {
  readonly base: DnKey;
  readonly scope: Scope;
  readonly filter: Filter;
  /** Names of what will be read besides what the filter names. */
  readonly attributes: readonly string[];
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
  /** What the policy file makes of it for this identity; `undefined`: nothing. */
  readonly policy: PolicyView | undefined;
}

export function createReader({ userPk, canSearch, memory, live, context, policy }: ReaderOptions): Reader {
  const viewOf = (layout: Layout): DirectoryView => {
    const self = canSearch ? undefined : rowOfSelf(layout, userPk);
    return policy === undefined ? new StoredView(layout, self) : policyView(layout, self, policy);
  };
  return {
    view(request) {
      if (memory !== undefined) return viewOf(memory);
      const signal = request.signal();
      const read: Promise<Directory> = canSearch
        ? live.read(needsOf(request, context.provider, policy), signal)
        : live.own(userPk, signal);
      return read.then((directory) => viewOf(new Layout(directory, context)), whileLoading(context.provider));
    },
  };
}

/** A layout as a policy shows it, to somebody who sees the user of one row only, or all of it. */
export function policyView(layout: Layout, self: number | undefined, { map, limits }: PolicyView): DirectoryView {
  const rows = limits === undefined ? undefined : limitRows(layout.directory, limits);
  const stored = new StoredView(layout, self, rows);
  return map === undefined ? stored : new MappedView(stored, map);
}

/**
 * What a search ends with that the core was asked for and could not answer: in cached mode it was only asked because its directory
 * is not here yet, and the client may come again.
 */
function whileLoading({ searchMode }: Provider): (error: unknown) => never {
  return (error) => {
    if (searchMode === 'direct' || !isGatewayError(error)) throw error;
    throw new Refusal(resultCode.busy, 'the directory is being read', { logged: error.message });
  };
}

/** A user that is gone sees nothing any more, and is told so. */
function rowOfSelf(layout: Layout, userPk: number): number {
  const row = layout.directory.rowOfUser(userPk);
  if (row !== undefined) return row;
  throw new Refusal(resultCode.insufficientAccessRights, 'the bound user does not exist any more', {
    reason: 'user_info_not_cached',
  });
}
