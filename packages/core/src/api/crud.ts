// The REST routes of any model (core.md §10): list, create, retrieve, replace, change, delete, and what uses a row.

import type { RawBuilder } from 'kysely';
import { z } from 'zod';
import type { CoreDeps } from '../deps.ts';
import { mayEverywhere } from '../identity/permissions.ts';
import { type Model, permissionName, type Row, type Values, type Verb } from '../models/model.ts';
import { usesOf } from '../models/references.ts';
import { represent } from '../models/represent.ts';
import { countRows, deleteRow, findRows, keyOf, updateRow } from '../models/store.ts';
import { inUnit } from '../models/unit.ts';
import { useShape } from './answers.ts';
import { createByRequest } from './create.ts';
import { noPermission } from './failure.ts';
import { filtersOf, orderOf } from './filtering.ts';
import { pageOf, readPageRequest } from './pagination.ts';
import { type ApiReply, type ApiRequest, authorOf, bodyOf, queryOf, requirePrincipal } from './request.ts';
import { searchReach } from './search-limit.ts';
import type { Api } from './server.ts';
import { mayTouch, rowOf, visibility } from './visibility.ts';

const prefix = '/api/v3';
const everything: readonly Verb[] = ['list', 'create', 'retrieve', 'update', 'delete'];

export interface CrudOptions {
  /** Verbs that are left out, where a room answers them itself. */
  readonly without?: readonly Verb[];
}

export function registerModelRoutes(api: Api, deps: CoreDeps, model: Model, { without = [] }: CrudOptions = {}): void {
  if (model.path === undefined) return;
  const list = `${prefix}${model.path}`;
  const one = `${list}:key/`;
  const answers = (verb: Verb) => (model.verbs ?? everything).includes(verb) && !without.includes(verb);
  const about = (verb: Verb) => ({ config: { operation: { model, verb } } });
  if (answers('list')) api.get(list, about('list'), (request) => listRows(deps, model, request));
  if (answers('create'))
    api.post(list, about('create'), async (request, reply) => {
      if (!mayEverywhere(requirePrincipal(request), permissionName(model, 'add'))) throw noPermission();
      const row = await inUnit(deps, authorOf(request), (unit) => createByRequest(unit, model, bodyOf(request)));
      return reply.code(201).send(await representOne(deps, model, row, request));
    });
  if (answers('retrieve'))
    api.get(one, about('retrieve'), async (request) =>
      representOne(deps, model, await rowOf(deps, model, request, 'view'), request),
    );
  if (answers('update')) {
    api.patch(one, about('update'), changeRow(deps, model, true));
    api.put(one, about('update'), changeRow(deps, model, false));
  }
  if (answers('delete'))
    api.delete(one, about('delete'), async (request: ApiRequest, reply: ApiReply) => {
      const row = await rowOf(deps, model, request, 'delete');
      await inUnit(deps, authorOf(request), (unit) => deleteRow(unit, model, row));
      return reply.code(204).send();
    });
  api.get(
    `${one}used_by/`,
    { config: { operation: { summary: `What uses a ${model.noun}`, answer: z.array(useShape) } } },
    (request) => usedBy(deps, model, request),
  );
}

/** One page of the rows that the caller may see. */
export async function listRows(
  deps: CoreDeps,
  model: Model,
  request: ApiRequest,
  extra: readonly RawBuilder<boolean>[] = [],
) {
  const where = [...visibility(requirePrincipal(request), model), ...extra];
  return pageOfRows(deps, model, request, where);
}

/** One page of the rows under these conditions and the filters of the query, whoever asks. */
export async function pageOfRows(
  deps: CoreDeps,
  model: Model,
  request: ApiRequest,
  conditions: readonly RawBuilder<boolean>[],
) {
  const query = queryOf(request);
  const hidden = model.listed === undefined ? [] : [model.listed];
  const where = [...conditions, ...hidden, ...filtersOf(model, query)];
  const page = readPageRequest(query, deps.settings.current());
  const [reach, count, rows] = await Promise.all([
    searchReach(deps.database, model, query),
    countRows(deps.database.kysely, model, where),
    findRows(deps.database.kysely, model, {
      where,
      order: orderOf(model, query),
      limit: page.size,
      offset: page.offset,
    }),
  ]);
  return { ...pageOf(page, count, await represent(deps, model, rows, query)), ...reach };
}

export async function representOne(deps: CoreDeps, model: Model, row: Row, request: ApiRequest): Promise<Row> {
  const [shown] = await represent(deps, model, [row], queryOf(request));
  return shown ?? {};
}

/** Objects that name this one, as far as the caller may see them. */
export async function usedBy(deps: CoreDeps, model: Model, request: ApiRequest) {
  const row = await rowOf(deps, model, request, 'view');
  const principal = requirePrincipal(request);
  const uses = await usesOf(deps.database.kysely, deps.registry, model, row);
  return uses
    .filter((use) => mayTouch(principal, use.model, use.row, 'view'))
    .map((use) => {
      const [app, model_name] = use.model.id.split('.');
      return { app, model_name, pk: String(keyOf(use.model, use.row)), name: use.title, action: use.action };
    });
}

function changeRow(deps: CoreDeps, model: Model, partial: boolean) {
  return async (request: ApiRequest) => {
    const row = await rowOf(deps, model, request, 'change');
    const input = partial ? bodyOf(request) : { ...initialValues(model), ...bodyOf(request) };
    const changed = await inUnit(deps, authorOf(request), (unit) =>
      updateRow(unit, model, row, input, 'api', partial ? 'some' : 'all'),
    );
    return representOne(deps, model, changed, request);
  };
}

/** PUT replaces: what is not given goes back to its initial value. Secrets and drawn values stay. */
function initialValues(model: Model): Values {
  const fields = Object.entries(model.fields).filter(
    ([, { initial, drawn, hidden, readOnly }]) =>
      initial !== undefined && drawn !== true && hidden !== true && readOnly !== true,
  );
  return Object.fromEntries(
    fields.map(([name, { initial }]) => [name, initial?.()]).filter(([, value]) => value !== undefined),
  );
}
