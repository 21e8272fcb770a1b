// Instances of blueprints: applying one, and finding those that others name.
import type { Selectable } from 'kysely';
import type { Tables, TaskLog } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import { logLine } from '../tasks/queue.ts';
import { applyBlueprint } from './apply.ts';
import { contentHash } from './models.ts';
import type { NestedBlueprints } from './nested.ts';
import { type Blueprint, readBlueprint } from './read.ts';

export type BlueprintInstance = Selectable<Tables['blueprints']>;

export interface InstanceResult {
  readonly successful: boolean;
  readonly logs: readonly TaskLog[];
}

/** Applies the text or file of an instance and stores how that went. Never throws for what is wrong with the blueprint, and
 * leaves it to the caller to log it: discovery may try again. */
export async function applyInstance(deps: CoreDeps, instance: BlueprintInstance): Promise<InstanceResult> {
  const text = await textOf(deps, instance).catch((error: unknown) => (error instanceof Error ? error : undefined));
  if (typeof text !== 'string') return fail(deps, instance, text?.message ?? 'It cannot be read.');
  try {
    const blueprint = readBlueprint(text, instance.path === '' ? instance.name : instance.path);
    const { context } = instance;
    const { logs } = await applyBlueprint(deps, blueprint, {
      context,
      env: deps.blueprints.env,
      nested: nestedBlueprints(deps),
    });
    for (const { log_level, event } of logs)
      if (log_level === 'warning') deps.log.warn('blueprint warning', { path: instance.path, error: event });
    await store(deps, instance, { blueprint, hash: contentHash(text) });
    return { successful: true, logs };
  } catch (error) {
    return fail(deps, instance, error instanceof Error ? error.message : String(error));
  }
}

/** Blueprints that entries name: by the name or path of their instance, else by the name or path of a file. */
export function nestedBlueprints(deps: CoreDeps): NestedBlueprints {
  return {
    async open(identifiers) {
      const { name, path } = identifiers;
      if (typeof name !== 'string' && typeof path !== 'string') return undefined;
      let query = deps.database.kysely.selectFrom('blueprints').selectAll();
      if (typeof name === 'string') query = query.where('name', '=', name);
      if (typeof path === 'string') query = query.where('path', '=', path);
      const instance = await query.executeTakeFirst();
      if (instance !== undefined)
        return { blueprint: readBlueprint(await textOf(deps, instance), instance.name), context: instance.context };
      const blueprint = await fileNamed(deps, name, path);
      return blueprint === undefined ? undefined : { blueprint, context: {} };
    },
  };
}

async function fileNamed(deps: CoreDeps, name: unknown, path: unknown): Promise<Blueprint | undefined> {
  for (const file of await deps.blueprints.files()) {
    const wanted = path === undefined ? `name: ${String(name)}` : '';
    if (path === undefined ? !file.text.includes(wanted) : file.path !== path) continue;
    const blueprint = readBlueprint(file.text, file.path);
    if (path !== undefined || blueprint.name === name) return blueprint;
  }
  return undefined;
}

async function textOf({ blueprints }: CoreDeps, { path, content }: BlueprintInstance): Promise<string> {
  return path === '' ? content : (await blueprints.read(path)).text;
}

async function store(
  { database, clock }: CoreDeps,
  { uuid }: BlueprintInstance,
  { blueprint, hash }: { blueprint: Blueprint; hash: string },
): Promise<void> {
  await database.kysely
    .updateTable('blueprints')
    .set({
      status: 'successful',
      last_applied: new Date(clock.now()),
      last_applied_hash: hash,
      metadata: JSON.stringify(blueprint.metadata),
    })
    .where('uuid', '=', uuid)
    .execute();
}

async function fail(deps: CoreDeps, { uuid, name }: BlueprintInstance, reason: string): Promise<InstanceResult> {
  await deps.database.kysely
    .updateTable('blueprints')
    .set({ status: 'error', last_applied: new Date(deps.clock.now()) })
    .where('uuid', '=', uuid)
    .execute();
  return { successful: false, logs: [logLine('authentik.blueprints', 'error', reason, { blueprint: name })] };
}
