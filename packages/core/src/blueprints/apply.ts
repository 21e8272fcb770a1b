// Applies a blueprint (core.md §20.4): one transaction over all entries in file order; the first that fails rolls
// everything back. A dry run is the same, rolled back at the end, so that what it tells is what would happen.
import { sql } from 'kysely';
import type { TaskLog } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import { coreError } from '../errors.ts';
import { InvalidInput, message } from '../models/invalid.ts';
import { deepMerge, isMapping } from '../models/merge.ts';
import type { Model, Row, Values } from '../models/model.ts';
import { represent } from '../models/represent.ts';
import { createRow, deleteRow, findRows, keyOf, updateRow } from '../models/store.ts';
import { type Author, coreItself, inUnit, type Unit } from '../models/unit.ts';
import { logLine } from '../tasks/queue.ts';
import { readContext } from './context.ts';
import { grantObject } from './grants.ts';
import { familyOf, isBase, lookup } from './lookup.ts';
import { metaApplyModel, type NestedBlueprints } from './nested.ts';
import type { Blueprint, Entry } from './read.ts';
import { remapKeys } from './remap.ts';
import type { AppliedEntry, ApplyResult, EntryAction } from './result.ts';
import { isTruthy, resolve, type Scope } from './tags.ts';

export interface ApplyOptions {
  readonly context?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Nothing is kept. */
  readonly dryRun?: boolean;
  readonly author?: Author;
  /** Where entries that name other blueprints find them. */
  readonly nested?: NestedBlueprints;
}

/** Thrown through the transaction of a dry run, and caught outside. */
class RolledBack extends Error {}

/** @throws GatewayError `ERR_CORE_BLUEPRINT` naming entry and reason; nothing of the blueprint stays then */
export async function applyBlueprint(
  deps: CoreDeps,
  blueprint: Blueprint,
  options: ApplyOptions = {},
): Promise<ApplyResult> {
  const { dryRun = false, author = { ...coreItself, cause: `blueprint ${blueprint.name}` } } = options;
  const result: { entries: AppliedEntry[]; logs: TaskLog[] } = { entries: [], logs: [] };
  try {
    await inUnit(deps, author, async (unit) => {
      await applyInside(unit, blueprint, options, result);
      if (dryRun) throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
  return result;
}

/** Applies inside a transaction that is open already: for entries that name another blueprint. */
export async function applyInside(
  unit: Unit,
  blueprint: Blueprint,
  options: ApplyOptions,
  result: { entries: AppliedEntry[]; logs: TaskLog[] },
): Promise<void> {
  const run = new Application(unit, blueprint, options, result);
  for (const [at, entry] of blueprint.entries.entries()) await run.apply(entry, at);
}

interface Applied {
  readonly model: Model;
  readonly row: Row;
}

class Application {
  readonly #unit: Unit;
  readonly #blueprint: Blueprint;
  readonly #options: ApplyOptions;
  readonly #result: { entries: AppliedEntry[]; logs: TaskLog[] };
  readonly #done = new Map<string, Applied>();
  /** Keys in the file → keys here, where they differ: exports keep those of where they were made. */
  readonly #keys = new Map<string, string | number>();
  readonly #scope: Scope;
  #current: Model | undefined;

  constructor(
    unit: Unit,
    blueprint: Blueprint,
    options: ApplyOptions,
    result: { entries: AppliedEntry[]; logs: TaskLog[] },
  ) {
    this.#unit = unit;
    this.#blueprint = blueprint;
    this.#options = options;
    this.#result = result;
    this.#scope = {
      name: blueprint.name,
      context: readContext(unit.deps.registry, blueprint.context, options.context ?? {}),
      env: options.env ?? process.env,
      keyOf: (id) => this.#keyOf(id),
      find: async (model, lookups) => {
        const found = await this.#find(model, lookups);
        return found === undefined ? null : this.#reference(found);
      },
      findObject: async (model, lookups) => {
        const found = await this.#find(model, lookups);
        if (found === undefined) return null;
        const [shown] = await represent(unit.deps, found.model, [found.row], new URLSearchParams());
        return shown ?? null;
      },
    };
  }

  async apply(entry: Entry, at: number): Promise<void> {
    const name = entry.id ?? String(at + 1);
    try {
      await this.#applyEntry(entry, name);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const line = entry.line === undefined ? '' : ` in line ${entry.line}`;
      throw coreError(
        'ERR_CORE_BLUEPRINT',
        `Blueprint ${this.#blueprint.name}, entry ${name}${line}: ${reason}`,
        'Correct the entry; nothing of this file was applied.',
        error,
      );
    }
  }

  async #applyEntry(entry: Entry, name: string): Promise<void> {
    for (const condition of entry.conditions ?? [])
      if (!isTruthy(await resolve(this.#scope, condition))) return this.#note(entry, name, 'skip');
    const id = String(await resolve(this.#scope, entry.model)).toLowerCase();
    const state = String((await resolve(this.#scope, entry.state)) ?? 'present');
    if (id === metaApplyModel) return this.#applyOther(entry, name);
    const model = this.#modelOf(id);
    this.#current = model;
    const identifiers = this.#values(await resolve(this.#scope, entry.identifiers ?? {}));
    const attrs = this.#values(await resolve(this.#scope, entry.attrs ?? {}));
    const existing = await this.#match(model, identifiers);
    const before = this.#unit.changes.length;
    const row = await this.#bring(model, state, existing, identifiers, attrs);
    const change = this.#unit.changes.slice(before).find((one) => one.model === model.id);
    if (row !== undefined) await this.#remember(entry, model, row, identifiers);
    const action = change === undefined ? 'noop' : actions[change.action];
    this.#note(entry, name, action, { id, identifiers, fields: change?.difference ?? {} });
  }

  #modelOf(id: string): Model {
    const model = this.#unit.deps.registry.get(id);
    if (model === undefined && !isBase(id)) throw new Error(`the model ${id} is unknown`);
    if (model === undefined || model.internal === true) throw new Error(`objects of ${id} are not made by blueprints`);
    return model;
  }

  async #bring(
    model: Model,
    state: string,
    existing: Row | undefined,
    identifiers: Values,
    attrs: Values,
  ): Promise<Row | undefined> {
    const { pk, ...named } = identifiers;
    const input = this.#named(model, { ...deepMerge(attrs, named), ...listsOf(named) });
    switch (state) {
      case 'absent':
        if (existing !== undefined) await deleteRow(this.#unit, model, existing);
        return undefined;
      case 'must_created':
        if (existing !== undefined)
          throw new InvalidInput(Object.fromEntries(Object.keys(identifiers).map((name) => [name, [message.unique]])));
        return this.#create(model, input, pk);
      case 'created':
        return existing ?? this.#create(model, input, pk);
      case 'present':
        return existing === undefined
          ? this.#create(model, input, pk)
          : updateRow(this.#unit, model, existing, input, 'blueprint');
      default:
        throw new Error(`the state ${state} is unknown`);
    }
  }

  #create(model: Model, input: Values, pk: unknown): Promise<Row> {
    const key = typeof pk === 'string' || typeof pk === 'number' ? pk : undefined;
    return createRow(this.#unit, model, input, 'blueprint', key);
  }

  async #match(model: Model, identifiers: Values): Promise<Row | undefined> {
    const { pk, ...named } = identifiers;
    if (pk === undefined && Object.keys(named).length === 0) throw new Error('it has no identifiers');
    const { registry } = this.#unit.deps;
    const byNames = Object.entries(named).map(([name, value]) =>
      lookup(registry, model, formerName(model, name), value),
    );
    const either = [
      ...(pk === undefined ? [] : [sql<boolean>`${sql.ref(model.key)}::text = ${String(pk)}`]),
      ...(byNames.length === 0 ? [] : [sql<boolean>`(${sql.join(byNames, sql` and `)})`]),
    ];
    const [row] = await findRows(this.#unit.db, model, {
      where: [sql<boolean>`(${sql.join(either, sql` or `)})`],
      limit: 1,
    });
    return row;
  }

  async #find(id: string, lookups: readonly (readonly [string, unknown])[]): Promise<Applied | undefined> {
    const { registry } = this.#unit.deps;
    const models = familyOf(registry, id);
    if (models.length === 0) throw new Error(`the model ${id} is unknown`);
    for (const model of models) {
      const where = lookups.map(([name, value]) => lookup(registry, model, name, value));
      const [row] = await findRows(this.#unit.db, model, { where, limit: 1 });
      if (row !== undefined) return { model, row };
    }
    return undefined;
  }

  #keyOf(id: string): unknown {
    const found = this.#done.get(id);
    if (found === undefined) throw new Error(`!KeyOf ${id} names no earlier entry that was applied`);
    return this.#reference(found);
  }

  /** Policy bindings name targets by another key than everybody else. */
  #reference({ model, row }: Applied): unknown {
    const forBinding = this.#current?.id === 'authentik_policies.policybinding' && model.bindingKey !== undefined;
    return forBinding ? row[model.bindingKey ?? ''] : keyOf(model, row);
  }

  async #remember(entry: Entry, model: Model, row: Row, identifiers: Values): Promise<void> {
    if (entry.id != null) this.#done.set(entry.id, { model, row });
    const given = identifiers['pk'];
    if (given !== undefined && String(given) !== String(keyOf(model, row)))
      this.#keys.set(String(given), keyOf(model, row));
    for (const permission of entry.permissions ?? [])
      await grantObject(this.#unit, model, row, await resolve(this.#scope, permission));
  }

  async #applyOther(entry: Entry, name: string): Promise<void> {
    const { identifiers = {}, required = true } = this.#values(await resolve(this.#scope, entry.attrs ?? {}));
    const wanted = isMapping(identifiers) ? identifiers : {};
    const other = await this.#options.nested?.open(wanted);
    this.#note(entry, name, other === undefined ? 'skip' : 'noop', { id: metaApplyModel, identifiers: wanted });
    if (other === undefined && required === false) return;
    if (other === undefined) throw new Error(`the blueprint ${JSON.stringify(wanted)} does not exist`);
    await applyInside(this.#unit, other.blueprint, { ...this.#options, context: other.context }, this.#result);
  }

  #values(resolved: unknown): Values {
    const remapped = remapKeys(resolved, this.#keys);
    return isMapping(remapped) ? remapped : {};
  }

  /** Attributes under their present names; what nobody knows is told and left out. */
  #named(model: Model, input: Values): Values {
    const named: Values = {};
    for (const [given, value] of Object.entries(input)) {
      const name = formerName(model, given);
      if (!Object.hasOwn(model.fields, name)) this.#warn(`${model.id} has no attribute ${given}: ignored`);
      else if (name !== given) this.#warn(`The attribute ${given} of ${model.id} is now called ${name}`);
      named[name] = value;
    }
    return named;
  }

  #warn(text: string): void {
    this.#result.logs.push(logLine('authentik.blueprints', 'warning', text, { blueprint: this.#blueprint.name }));
    this.#unit.deps.log.warn('blueprint is not quite understood', { blueprint: this.#blueprint.name, reason: text });
  }

  #note(entry: Entry, name: string, action: EntryAction, more: Partial<AppliedEntry> & { id?: string } = {}): void {
    const { id, identifiers = {}, fields = {} } = more;
    const model = id ?? (typeof entry.model === 'string' ? entry.model : '');
    this.#result.entries.push({ entry: name, line: entry.line, model, identifiers, action, fields });
  }
}

const actions = { created: 'create', updated: 'update', deleted: 'delete' } as const;

const formerName = (model: Model, name: string) => model.formerNames?.[name] ?? name;

/** Lists among identifiers replace those among attributes instead of adding to them (core.md §24, quirk 13). */
function listsOf(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => Array.isArray(value)));
}
