// Applies a blueprint (core.md §20.4): one transaction over all entries in file order; the first that fails rolls
// everything back.
import { sql } from 'kysely';
import type { CoreDeps } from '../deps.ts';
import { coreError } from '../errors.ts';
import { InvalidInput, message } from '../models/invalid.ts';
import { deepMerge } from '../models/merge.ts';
import type { Model, Row, Values } from '../models/model.ts';
import { represent } from '../models/represent.ts';
import { createRow, deleteRow, equals, findRows, keyOf, updateRow } from '../models/store.ts';
import { coreItself, inUnit, type Unit } from '../models/unit.ts';
import type { Blueprint, Entry } from './read.ts';
import { isTruthy, resolve, type Scope } from './tags.ts';

export interface ApplyOptions {
  readonly context?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** @throws GatewayError `ERR_CORE_BLUEPRINT` naming entry and reason; nothing of the blueprint stays then */
export async function applyBlueprint(deps: CoreDeps, blueprint: Blueprint, options: ApplyOptions = {}): Promise<void> {
  await inUnit(deps, coreItself, async (unit) => {
    const run = new Application(unit, blueprint, options);
    for (const [at, entry] of blueprint.entries.entries()) await run.apply(entry, at);
  });
}

interface Applied {
  readonly model: Model;
  readonly row: Row;
}

class Application {
  readonly #unit: Unit;
  readonly #blueprint: Blueprint;
  readonly #done = new Map<string, Applied>();
  readonly #scope: Scope;
  #current: Model | undefined;

  constructor(unit: Unit, blueprint: Blueprint, { context = {}, env = process.env }: ApplyOptions) {
    this.#unit = unit;
    this.#blueprint = blueprint;
    this.#scope = {
      name: blueprint.name,
      context: deepMerge(blueprint.context, context),
      env,
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
    const where = `entry ${entry.id ?? at + 1}`;
    try {
      await this.#applyEntry(entry);
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      throw coreError(
        'ERR_CORE_BLUEPRINT',
        `Blueprint ${this.#blueprint.name}, ${where} (${String(entry.model)}): ${error.message}`,
        'Correct the entry; nothing of this file was applied.',
        error,
      );
    }
  }

  async #applyEntry(entry: Entry): Promise<void> {
    for (const condition of entry.conditions ?? []) if (!isTruthy(await resolve(this.#scope, condition))) return;
    const id = String(await resolve(this.#scope, entry.model));
    const model = this.#unit.deps.registry.get(id);
    if (model === undefined) throw this.#fault(`the model ${id} is unknown`);
    this.#current = model;
    const state = String((await resolve(this.#scope, entry.state)) ?? 'present');
    const identifiers = asValues(await resolve(this.#scope, entry.identifiers ?? {}));
    const attrs = asValues(await resolve(this.#scope, entry.attrs ?? {}));
    const existing = await this.#match(model, identifiers);
    const row = await this.#bring(model, state, existing, identifiers, attrs);
    if (row !== undefined && entry.id != null) this.#done.set(entry.id, { model, row });
    if (row !== undefined) await this.#grant(model, row, entry.permissions ?? []);
  }

  async #bring(
    model: Model,
    state: string,
    existing: Row | undefined,
    identifiers: Values,
    attrs: Values,
  ): Promise<Row | undefined> {
    const { pk, ...named } = identifiers;
    const input = deepMerge(attrs, named);
    this.#warnOfUnknown(model, input);
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
        throw this.#fault(`the state ${state} is unknown`);
    }
  }

  #create(model: Model, input: Values, pk: unknown): Promise<Row> {
    const key = typeof pk === 'string' || typeof pk === 'number' ? pk : undefined;
    return createRow(this.#unit, model, input, 'blueprint', key);
  }

  async #match(model: Model, identifiers: Values): Promise<Row | undefined> {
    const { pk, ...named } = identifiers;
    if (pk === undefined && Object.keys(named).length === 0)
      throw this.#fault(`an entry of ${model.id} has no identifiers`);
    const conditions = Object.entries(named).map(([name, value]) => this.#condition(model, name, value));
    const byKey = pk === undefined ? [] : [sql<boolean>`${sql.ref(model.key)}::text = ${String(pk)}`];
    const byNames = conditions.length === 0 ? [] : [sql<boolean>`(${sql.join(conditions, sql` and `)})`];
    const where = [sql<boolean>`(${sql.join([...byKey, ...byNames], sql` or `)})`];
    const [row] = await findRows(this.#unit.db, model, { where, limit: 1 });
    return row;
  }

  #condition(model: Model, name: string, value: unknown) {
    const place = model.fields[name]?.place;
    if (name === 'pk') return sql<boolean>`${sql.ref(model.key)}::text = ${String(value)}`;
    if (place === undefined || place.at === 'relation' || place.at === 'elsewhere')
      throw this.#fault(`${model.id} cannot be found by ${name}`);
    const plainValue = typeof value === 'object' && value !== null && 'pk' in value ? value.pk : value;
    if (place.at === 'setting') return sql<boolean>`settings @> ${JSON.stringify({ [name]: plainValue })}::jsonb`;
    if (place.json) return sql<boolean>`${sql.ref(place.column)} @> ${JSON.stringify(plainValue)}::jsonb`;
    if (plainValue === null) return sql<boolean>`${sql.ref(place.column)} is null`;
    return equals(place.column, plainValue);
  }

  async #find(id: string, lookups: readonly (readonly [string, unknown])[]): Promise<Applied | undefined> {
    const { registry } = this.#unit.deps;
    const models = familyOf(registry.all, id.toLowerCase());
    if (models.length === 0) throw this.#fault(`the model ${id} is unknown`);
    for (const model of models) {
      const where = lookups.map(([name, value]) => this.#condition(model, name.replace(/__exact$/, ''), value));
      const [row] = await findRows(this.#unit.db, model, { where, limit: 1 });
      if (row !== undefined) return { model, row };
    }
    return undefined;
  }

  #keyOf(id: string): unknown {
    const found = this.#done.get(id);
    if (found === undefined) throw this.#fault(`!KeyOf ${id} names no earlier entry that was applied`);
    return this.#reference(found);
  }

  /** Policy bindings name targets by another key than everybody else. */
  #reference({ model, row }: Applied): unknown {
    const forBinding = this.#current?.id === 'authentik_policies.policybinding' && model.bindingKey !== undefined;
    return forBinding ? row[model.bindingKey ?? ''] : keyOf(model, row);
  }

  async #grant(model: Model, row: Row, permissions: readonly unknown[]): Promise<void> {
    for (const permission of permissions) {
      const { permission: name, user } = asValues(await resolve(this.#scope, permission));
      if (typeof name !== 'string' || user === undefined)
        throw this.#fault('object permissions need a permission and a user');
      const [app] = model.id.split('.');
      const full = name.includes('.') ? name : `${app}.${name}`;
      await this.#unit.db
        .insertInto('grants')
        .values({ user_id: Number(user), permission: full, object: String(keyOf(model, row)) })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  }

  #warnOfUnknown(model: Model, input: Values): void {
    const unknown = Object.keys(input).filter((name) => !Object.hasOwn(model.fields, name) && name !== 'permissions');
    if (unknown.length > 0)
      this.#unit.deps.log.warn('blueprint names unknown attributes', {
        blueprint: this.#blueprint.name,
        model: model.id,
        attributes: unknown.join(' '),
      });
  }

  #fault(what: string) {
    return coreError('ERR_CORE_BLUEPRINT', `Blueprint ${this.#blueprint.name}: ${what}.`, 'Correct the file.');
  }
}

/** A model, or every kind below one of the shared bases. */
function familyOf(models: readonly Model[], id: string): readonly Model[] {
  const bases: Readonly<Record<string, string>> = {
    'authentik_core.provider': 'providers',
    'authentik_flows.stage': 'stages',
    'authentik_policies.policy': 'policies',
    'authentik_core.propertymapping': 'property_mappings',
  };
  const table = Object.hasOwn(bases, id) ? bases[id] : undefined;
  return models.filter((model) => (table === undefined ? model.id === id : model.table === table));
}

function asValues(value: unknown): Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
