// The REST routes of any model (core.md §10): list, create, retrieve, replace, change, delete.
import { type RawBuilder, sql } from 'kysely';
import type { CoreDeps } from '../deps.ts';
import { may, mayEverywhere, type Principal } from '../identity/permissions.ts';
import { invalidField } from '../models/invalid.ts';
import { type Model, permissionName, type Row, type Values } from '../models/model.ts';
import { represent } from '../models/represent.ts';
import { countRows, createRow, deleteRow, equals, findRow, findRows, keyOf, updateRow } from '../models/store.ts';
import { type Author, inUnit } from '../models/unit.ts';
import { noPermission, notFound } from './failure.ts';
import { pageOf, readPageRequest } from './pagination.ts';
import { type ApiReply, type ApiRequest, queryOf, requirePrincipal } from './request.ts';
import type { Api } from './server.ts';

const prefix = '/api/v3';

export interface CrudOptions {
  /** Verbs that are left out, where a room answers them itself. */
  readonly without?: readonly ('list' | 'create')[];
}

export function registerModelRoutes(api: Api, deps: CoreDeps, model: Model, { without = [] }: CrudOptions = {}): void {
  if (model.path === undefined) return;
  const list = `${prefix}${model.path}`;
  const one = `${list}:key/`;
  if (!without.includes('list')) api.get(list, (request) => listRows(deps, model, request));
  if (!without.includes('create'))
    api.post(list, async (request, reply) => {
      const principal = requirePrincipal(request);
      if (!mayEverywhere(principal, permissionName(model, 'add'))) throw noPermission();
      const row = await inUnit(deps, authorOf(request), (unit) => createRow(unit, model, bodyOf(request), 'api'));
      return reply.code(201).send(await representOne(deps, model, row, request));
    });
  api.get(one, async (request) => {
    const row = await rowOf(deps, model, request, 'view');
    return representOne(deps, model, row, request);
  });
  const change = (partial: boolean) => async (request: ApiRequest) => {
    const row = await rowOf(deps, model, request, 'change');
    const input = partial ? bodyOf(request) : { ...initialValues(model), ...bodyOf(request) };
    const changed = await inUnit(deps, authorOf(request), (unit) => updateRow(unit, model, row, input, 'api'));
    return representOne(deps, model, changed, request);
  };
  api.patch(one, change(true));
  api.put(one, change(false));
  api.delete(one, async (request: ApiRequest, reply: ApiReply) => {
    const row = await rowOf(deps, model, request, 'delete');
    await inUnit(deps, authorOf(request), (unit) => deleteRow(unit, model, row));
    return reply.code(204).send();
  });
}

/** One page of the rows that the caller may see. */
export async function listRows(
  deps: CoreDeps,
  model: Model,
  request: ApiRequest,
  extra: readonly RawBuilder<boolean>[] = [],
) {
  const query = queryOf(request);
  const where = [...visibility(requirePrincipal(request), model), ...extra, ...filtersOf(model, query)];
  const page = readPageRequest(query);
  const count = await countRows(deps.database.kysely, model, where);
  const rows = await findRows(deps.database.kysely, model, {
    where,
    order: orderOf(model, query),
    limit: page.size,
    offset: page.offset,
  });
  return pageOf(page, count, await represent(deps, model, rows, query));
}

/** The row that the URL names. @throws ApiFailure 403, 404 */
export async function rowOf(
  deps: CoreDeps,
  model: Model,
  request: ApiRequest,
  action: 'view' | 'change' | 'delete',
): Promise<Row> {
  const principal = requirePrincipal(request);
  const row = await findRow(deps.database.kysely, model, model.lookup ?? model.key, keyParameter(request));
  if (row === undefined) {
    if (!mayEverywhere(principal, permissionName(model, 'view')) && model.owner === undefined) throw noPermission();
    throw notFound(model.noun);
  }
  if (!mayTouch(principal, model, row, 'view')) throw notFound(model.noun);
  if (!mayTouch(principal, model, row, action)) throw noPermission();
  return row;
}

export function keyParameter(request: ApiRequest): string {
  const { params } = request;
  const key: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'key') : undefined;
  return typeof key === 'string' ? key : '';
}

export function bodyOf(request: ApiRequest): Values {
  const { body } = request;
  if (body === undefined || body === null) return {};
  if (typeof body === 'object' && !Array.isArray(body)) return { ...body };
  throw invalidField('non_field_errors', 'Invalid data. Expected a dictionary.');
}

export function authorOf(request: ApiRequest): Author {
  const user = request.caller.principal?.user;
  return { userPk: user?.id, username: user?.username ?? '', clientIp: request.caller.clientIp };
}

async function representOne(deps: CoreDeps, model: Model, row: Row, request: ApiRequest): Promise<Row> {
  const [shown] = await represent(deps, model, [row], queryOf(request));
  return shown ?? {};
}

function mayTouch(principal: Principal, model: Model, row: Row, action: 'view' | 'change' | 'delete'): boolean {
  const owns = model.owner !== undefined && row[model.owner] === principal.user.id;
  return owns || may(principal, permissionName(model, action), keyOf(model, row));
}

/** Which rows a caller sees; 403 for somebody who sees none, unless an outpost asks (core.md §10.5). */
function visibility(principal: Principal, model: Model): RawBuilder<boolean>[] {
  const permission = permissionName(model, 'view');
  if (mayEverywhere(principal, permission)) return [];
  if (model.owner !== undefined) return [equals(model.owner, principal.user.id)];
  const granted = [...principal.grants]
    .filter((grant) => grant.startsWith(`${permission}:`))
    .map((grant) => grant.slice(permission.length + 1));
  if (granted.length === 0 && principal.user.type !== 'internal_service_account') throw noPermission();
  if (granted.length === 0) return [sql<boolean>`false`];
  return [sql<boolean>`${sql.ref(model.key)}::text in (${sql.join(granted)})`];
}

function filtersOf(model: Model, query: URLSearchParams): RawBuilder<boolean>[] {
  const found: RawBuilder<boolean>[] = [];
  for (const [name, filter] of Object.entries(model.filters ?? {})) {
    const values = query.getAll(name).filter((value) => value !== '');
    if (values.length > 0) found.push(filter(values));
  }
  const words = (query.get('search') ?? '').split(/[\s,]+/).filter((word) => word !== '');
  const columns = model.search ?? [];
  if (columns.length > 0)
    for (const word of words) {
      const pattern = `%${word.replace(/[%_\\]/g, '\\$&')}%`;
      const matches = columns.map((column) => sql`${sql.ref(column)}::text ilike ${pattern}`);
      found.push(sql<boolean>`(${sql.join(matches, sql` or `)})`);
    }
  return found;
}

function orderOf(model: Model, query: URLSearchParams): readonly string[] {
  const wanted = (query.get('ordering') ?? '').split(',').flatMap((term) => {
    const name = term.replace(/^-/, '');
    const place = model.fields[name]?.place;
    const column = name === 'pk' ? model.key : place?.at === 'column' ? place.column : undefined;
    return column === undefined ? [] : [term.startsWith('-') ? `-${column}` : column];
  });
  return [...(wanted.length > 0 ? wanted : model.order), model.key];
}

/** PUT replaces: what is not given goes back to its initial value. */
function initialValues(model: Model): Values {
  const fields = Object.entries(model.fields).filter(
    ([, { initial, hidden, readOnly }]) => initial !== undefined && hidden !== true && readOnly !== true,
  );
  return Object.fromEntries(
    fields.map(([name, { initial }]) => [name, initial?.()]).filter(([, value]) => value !== undefined),
  );
}
