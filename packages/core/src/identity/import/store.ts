// Stores what was read: groups, then people with their memberships, in one transaction.
import type { CoreDeps } from '../../deps.ts';
import { createRow, findRow, updateRow } from '../../models/store.ts';
import { coreItself, inUnit, type Unit } from '../../models/unit.ts';
import { groupModel } from '../models/group.ts';
import { userModel } from '../models/user.ts';
import { type Directory, importFault, type Person } from './people.ts';

export interface ImportResult {
  readonly created: number;
  readonly updated: number;
  /** Of that name already, and left alone. */
  readonly kept: number;
  readonly groups: number;
  readonly warnings: readonly string[];
}

interface ImportOptions {
  /** Whether users who exist already take over what the file says. */
  readonly update: boolean;
  readonly dryRun: boolean;
}

class RolledBack extends Error {}

/** @throws GatewayError `ERR_CORE_IMPORT` naming what cannot be stored; nothing is then */
export async function storeDirectory(
  deps: CoreDeps,
  directory: Directory,
  { update, dryRun }: ImportOptions,
): Promise<ImportResult> {
  const counts = { created: 0, updated: 0, kept: 0, groups: 0 };
  try {
    await inUnit(deps, { ...coreItself, cause: 'gatehouse users import' }, async (unit) => {
      const groups = await storeGroups(unit, directory, counts);
      for (const person of directory.people) {
        const outcome = await storePerson(unit, person, groups, update).catch((error: unknown) => {
          throw importFault(error instanceof Error ? error.message : String(error), person.username);
        });
        counts[outcome] += 1;
      }
      if (dryRun) throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
  return { ...counts, warnings: directory.warnings };
}

async function storeGroups(
  unit: Unit,
  { groups }: Directory,
  counts: { groups: number },
): Promise<ReadonlyMap<string, string>> {
  const keys = new Map<string, string>();
  for (const { name, attributes } of groups) {
    const existing = await findRow(unit.db, groupModel, 'name', name);
    if (existing === undefined) counts.groups += 1;
    const row = existing ?? (await createRow(unit, groupModel, { name, attributes }, 'blueprint'));
    keys.set(name, String(row['uuid']));
  }
  for (const { name, parents } of groups) {
    const above = parents.flatMap((parent) => keys.get(parent) ?? []);
    const row = above.length === 0 ? undefined : await findRow(unit.db, groupModel, 'name', name);
    if (row !== undefined) await updateRow(unit, groupModel, row, { parents: above }, 'blueprint');
  }
  return keys;
}

async function storePerson(
  unit: Unit,
  person: Person,
  groups: ReadonlyMap<string, string>,
  update: boolean,
): Promise<'created' | 'updated' | 'kept'> {
  const existing = await findRow(unit.db, userModel, 'username', person.username);
  if (existing !== undefined && !update) return 'kept';
  const input = {
    username: person.username,
    name: person.name,
    email: person.email,
    is_active: person.isActive,
    attributes: person.attributes,
    groups: person.groups.flatMap((name) => groups.get(name) ?? []),
  };
  const row =
    existing === undefined
      ? await createRow(unit, userModel, input, 'blueprint')
      : await updateRow(unit, userModel, existing, input, 'blueprint');
  if (person.password !== undefined)
    await unit.db.updateTable('users').set({ password: person.password }).where('id', '=', Number(row['id'])).execute();
  return existing === undefined ? 'created' : 'updated';
}
