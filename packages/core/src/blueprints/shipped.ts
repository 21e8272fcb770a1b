// Applies folders of blueprint files on start (core.md §20.4): each file whose text changed, in one pass whatever their
// order: files that need what another makes are tried again as long as some file makes progress.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { CoreDeps } from '../deps.ts';
import { coreError } from '../errors.ts';
import { applyBlueprint } from './apply.ts';
import { type Blueprint, readBlueprint } from './read.ts';

interface Candidate {
  readonly path: string;
  readonly hash: string;
  readonly blueprint: Blueprint;
}

export interface FolderResult {
  readonly applied: readonly string[];
  /** Path → reason. */
  readonly failed: Readonly<Record<string, string>>;
}

/** Applies every changed file below the folder. Files that fail are reported, not thrown. */
export async function applyFolder(
  deps: CoreDeps,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<FolderResult> {
  const failed: Record<string, string> = {};
  let waiting = await changedFiles(deps, folder, failed);
  const applied: string[] = [];
  for (;;) {
    const again: Candidate[] = [];
    for (const candidate of waiting) {
      try {
        await applyBlueprint(deps, candidate.blueprint, { env });
        await remember(deps, candidate);
        delete failed[candidate.path];
        applied.push(candidate.path);
      } catch (error) {
        failed[candidate.path] = error instanceof Error ? error.message : String(error);
        again.push(candidate);
      }
    }
    if (again.length === 0 || again.length === waiting.length) return { applied, failed };
    waiting = again;
  }
}

async function changedFiles(
  { database }: CoreDeps,
  folder: string,
  failed: Record<string, string>,
): Promise<Candidate[]> {
  const known = new Map(
    (await database.kysely.selectFrom('blueprints').select(['path', 'last_applied_hash']).execute()).map((row) => [
      row.path,
      row.last_applied_hash,
    ]),
  );
  const found: Candidate[] = [];
  for (const file of await yamlFiles(folder)) {
    const path = relative(folder, file);
    const text = await readFile(file, 'utf8');
    const hash = createHash('sha512').update(text).digest('hex');
    if (known.get(path) === hash) continue;
    try {
      const blueprint = readBlueprint(text, path);
      if (blueprint.labels['blueprints.goauthentik.io/instantiate'] !== 'false') found.push({ path, hash, blueprint });
    } catch (error) {
      failed[path] = error instanceof Error ? error.message : String(error);
    }
  }
  return found;
}

async function yamlFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw coreError(
      'ERR_CORE_BLUEPRINT',
      `The blueprint folder ${folder} cannot be read.`,
      'Check AUTHENTIK_BLUEPRINTS_DIR.',
      cause,
    );
  });
  return entries
    .filter(
      (entry) =>
        entry.isFile() &&
        entry.name.endsWith('.yaml') &&
        !join(entry.parentPath, entry.name).slice(folder.length).includes('/.'),
    )
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function remember({ database, clock }: CoreDeps, { path, hash, blueprint }: Candidate): Promise<void> {
  const row = { last_applied_hash: hash, last_applied: new Date(clock.now()), status: 'successful' };
  await database.kysely
    .insertInto('blueprints')
    .values({ name: blueprint.name, path, ...row })
    .onConflict((conflict) => conflict.column('path').where('path', '<>', '').doUpdateSet(row))
    .execute();
}
