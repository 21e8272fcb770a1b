// Finds blueprint files and applies those that changed (core.md §20.4, "Instances and discovery"). Files that need what
// another one makes are tried again as long as some file makes progress, so that one pass is enough.
import { sql } from 'kysely';
import type { CoreDeps } from '../deps.ts';
import { type BlueprintFile, isInstantiated, type ParsedFile, parseFile } from './folder.ts';
import { applyInstance, type BlueprintInstance } from './instances.ts';
import type { Blueprint } from './read.ts';

export interface DiscoveryResult {
  readonly applied: readonly string[];
  /** Path → reason. */
  readonly failed: Readonly<Record<string, string>>;
}

/** One process at a time; the others wait and then find nothing left to do. */
export async function discoverBlueprints(deps: CoreDeps): Promise<DiscoveryResult> {
  return deps.database.kysely.connection().execute(async (connection) => {
    await sql`select pg_advisory_lock(${lockKey})`.execute(connection);
    try {
      return await discover(deps);
    } finally {
      await sql`select pg_advisory_unlock(${lockKey})`.execute(connection);
    }
  });
}

/** Any number that nobody else locks. */
const lockKey = 7_208_514;

async function discover(deps: CoreDeps): Promise<DiscoveryResult> {
  const failed: Record<string, string> = {};
  const applied: string[] = [];
  let waiting = await changedInstances(deps, failed);
  while (waiting.length > 0) {
    const again: BlueprintInstance[] = [];
    for (const instance of waiting) {
      const { successful, logs } = await applyInstance(deps, instance);
      if (successful) {
        applied.push(instance.path);
        delete failed[instance.path];
      } else {
        failed[instance.path] = logs.at(-1)?.event ?? '';
        again.push(instance);
      }
    }
    if (again.length === waiting.length) break;
    waiting = again;
  }
  return { applied, failed };
}

/** Instances of files that are gone; their objects stay (core.md §20.3, `clear_failed_blueprints`). */
export async function clearGoneBlueprints({ database, blueprints }: CoreDeps): Promise<number> {
  const paths = await blueprints.paths();
  const { numDeletedRows } = await database.kysely
    .deleteFrom('blueprints')
    .where('path', 'not in', ['', ...paths])
    .where('path', 'not like', 'oci://%')
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

/** Enabled instances whose file differs from what was applied; new files get one. Files that do not differ are not parsed. */
async function changedInstances(deps: CoreDeps, failed: Record<string, string>): Promise<BlueprintInstance[]> {
  const applied = await appliedHashes(deps);
  const differing = (await deps.blueprints.files()).filter(({ path, hash }) => applied.get(path) !== hash);
  const parsed = differing
    .flatMap((file) => tryParse(file, failed) ?? [])
    .filter(({ blueprint }) => isInstantiated(blueprint))
    .sort((left, right) => rankOf(left.blueprint) - rankOf(right.blueprint));
  const instances = await ensureInstances(deps, parsed);
  return parsed.flatMap(({ file: { path } }) => instances.get(path) ?? []).filter(({ enabled }) => enabled);
}

/** By path, of every file that has been applied. */
async function appliedHashes({ database }: CoreDeps): Promise<ReadonlyMap<string, string>> {
  const rows = await database.kysely
    .selectFrom('blueprints')
    .select(['path', 'last_applied_hash'])
    .where('path', '<>', '')
    .execute();
  return new Map(rows.map(({ path, last_applied_hash }) => [path, last_applied_hash]));
}

/** What others look for and would do without, such as the first group, comes first; then as the paths are. */
function rankOf({ labels }: Blueprint): number {
  if ('blueprints.goauthentik.io/system-bootstrap' in labels) return 0;
  return 'blueprints.goauthentik.io/system' in labels ? 1 : 2;
}

function tryParse(file: BlueprintFile, failed: Record<string, string>): ParsedFile | undefined {
  try {
    return parseFile(file);
  } catch (error) {
    failed[file.path] = error instanceof Error ? error.message : String(error);
    return undefined;
  }
}

async function ensureInstances(
  { database }: CoreDeps,
  parsed: readonly ParsedFile[],
): Promise<ReadonlyMap<string, BlueprintInstance>> {
  if (parsed.length === 0) return new Map();
  const instances = await database.kysely
    .insertInto('blueprints')
    .values(
      parsed.map(({ file: { path }, blueprint: { name, metadata } }) => ({
        name,
        path,
        metadata: JSON.stringify(metadata),
      })),
    )
    .onConflict((conflict) =>
      conflict
        .column('path')
        .where('path', '<>', '')
        .doUpdateSet(({ ref }) => ({ metadata: ref('excluded.metadata') })),
    )
    .returningAll()
    .execute();
  return new Map(instances.map((instance) => [instance.path, instance]));
}
