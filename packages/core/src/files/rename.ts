// Renaming a stored file with everything that shows it (files.md §15.2 "Rename, replace"): copied under the new name, which
// checks it against that, then all references in one transaction, then the old one goes. What fails leaves all as it was.
import { parseFileName, refersTo, type SavedFile, type Usage } from '@gatehouse/storage';
import { ApiFailure } from '../api/failure.ts';
import type { CoreDeps } from '../deps.ts';
import { may, type Principal } from '../identity/permissions.ts';
import { permissionName } from '../models/model.ts';
import type { Author } from '../models/unit.ts';
import { tenant } from './core-files.ts';
import { type FileReference, fileReferences } from './references.ts';
import { type Rewriting, rewriteReferences } from './rewrite.ts';

export interface Renaming {
  readonly usage: Usage;
  readonly from: string;
  readonly to: string;
  readonly principal: Principal;
  readonly author: Author;
}

/** @throws ApiFailure 403, 409; GatewayError of the storage */
export async function renameFile(deps: CoreDeps, renaming: Renaming): Promise<SavedFile> {
  const { usage, author } = renaming;
  const [from, to] = [parseFileName(renaming.from), parseFileName(renaming.to)];
  const rewritings = await rewritingsFor(deps, renaming);
  const files = deps.files[usage];
  const { stream } = await files.open(from, { tenant });
  const saved = await files.save(to, stream, { tenant });
  try {
    await rewriteReferences(deps, author, rewritings);
  } catch (error) {
    await files.delete(to, tenant);
    throw error;
  }
  await files.delete(from, tenant);
  return saved;
}

async function rewritingsFor(deps: CoreDeps, { from, to, principal }: Renaming): Promise<Rewriting[]> {
  const found = (await fileReferences(deps)).filter(({ value }) => refersTo(value, from));
  const themed = found.find(({ value }) => value !== from);
  if (themed !== undefined)
    throw new ApiFailure(409, { detail: `The file is one of the themes of ${themed.value}; change that first.` });
  if (found.some((reference) => !mayChange(principal, reference)))
    throw new ApiFailure(403, { detail: 'The file is shown by objects that you may not change.' });
  return found.map((reference) => ({ reference, value: to }));
}

function mayChange(principal: Principal, { owner }: FileReference): boolean {
  return may(principal, permissionName(owner.model, 'change'), owner.key);
}
