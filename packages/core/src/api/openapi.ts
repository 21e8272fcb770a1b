// `/api/v3/schema/`: the OpenAPI document of what is served, from the models and the routes (core.md §10.1). Open to all.

import { z } from 'zod';
import type { CoreDeps } from '../deps.ts';
import type { Field } from '../models/field.ts';
import { type Model, modelName } from '../models/model.ts';
import { kindShape } from '../models/shapes.ts';
import { fieldFilterNames } from './field-filters.ts';
import type { Operation, Operations, Route } from './operations.ts';
import type { Api } from './server.ts';

type Json = Readonly<Record<string, unknown>>;

const prefix = '/api/v3';

/** What the document says of this core. */
export type Described = Pick<CoreDeps, 'version' | 'webPath'>;

export function registerSchemaRoute(api: Api, operations: Operations, deps: Described): void {
  let document: Json | undefined;
  api.get(
    `${prefix}/schema/`,
    { config: { operation: { summary: 'This document', open: true, answer: z.looseObject({ openapi: z.string() }) } } },
    (_request, reply) => {
      document ??= openApiDocument(operations, deps);
      return reply.type('application/vnd.oai.openapi+json').send(document);
    },
  );
}

export function openApiDocument({ routes }: Operations, { version, webPath }: Described): Json {
  const served = routes.filter(({ path }) => path.startsWith(prefix));
  const models = new Set(served.flatMap(({ operation }) => operation.model ?? []));
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of served) {
    const path = templateOf(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationObject(route) };
  }
  return {
    openapi: '3.0.3',
    info: { title: 'gatehouse', version, description: 'Identity core; compatible with authentik.' },
    servers: [{ url: `${webPath}api/v3` }],
    paths,
    components: {
      schemas: Object.assign(
        { ValidationError, GenericError, Pagination },
        ...[...models].map((model) => schemasOf(model, listPaths(models))),
      ),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'authentik_session' },
      },
    },
    security: [{ bearer: [] }, { session: [] }],
  };
}

const templateOf = (path: string) => path.slice(prefix.length).replace(/:(\w+)/g, '{$1}');

/** `core_users_set_password_create`, as generated clients name their functions. */
function operationId({ method, path, operation }: Route): string {
  const words = path
    .slice(prefix.length)
    .split('/')
    .filter((part) => part !== '' && !part.startsWith(':'));
  const verbs: Readonly<Record<string, string>> = {
    GET: operation.verb === 'list' ? 'list' : 'retrieve',
    POST: 'create',
    PUT: 'update',
    PATCH: 'partial_update',
    DELETE: 'destroy',
  };
  const one = operation.verb === undefined && /:\w+\/$/.test(path) ? ['one'] : [];
  return [...words, ...one, verbs[method] ?? method.toLowerCase()].join('_').replaceAll('-', '_');
}

function operationObject(route: Route): Json {
  const { method, path, operation } = route;
  const body = requestBody(method, operation);
  return {
    operationId: operationId(route),
    tags: [path.slice(prefix.length).split('/')[1] ?? ''],
    ...(operation.summary === undefined ? {} : { summary: operation.summary }),
    parameters: [...pathParameters(path), ...(operation.verb === 'list' ? listParameters(operation.model) : [])],
    ...(body === undefined ? {} : { requestBody: body }),
    responses: {
      ...successOf(method, operation),
      400: answer('What is wrong, by field', ref('ValidationError')),
      403: answer('Refused', ref('GenericError')),
      ...(path.includes(':') ? { 404: answer('Not there, or not visible', ref('GenericError')) } : {}),
      503: answer('The database is away; see Retry-After', ref('GenericError')),
    },
    ...(operation.open === true ? { security: [{}] } : {}),
  };
}

function requestBody(
  method: string,
  { model, verb, body, consumes = 'application/json' }: Operation,
): Json | undefined {
  if (model !== undefined && (verb === 'create' || verb === 'update')) {
    const kind = method === 'PATCH' ? `Patched${nameOf(model)}Request` : `${nameOf(model)}Request`;
    return { content: { 'application/json': { schema: ref(kind) } }, required: method !== 'PATCH' };
  }
  return body === undefined ? undefined : { content: { [consumes]: { schema: jsonSchema(body) } } };
}

function successOf(method: string, operation: Operation): Json {
  const { verb, status, isEmpty, produces } = operation;
  if (verb === 'delete' || status === 204) return { 204: { description: 'Done' } };
  if (isEmpty === true) return { 200: { description: 'Done; without a body' } };
  const code = status ?? (method === 'POST' && verb === 'create' ? 201 : 200);
  return { [code]: answer('Done', answerSchema(operation), produces) };
}

function answerSchema({ model, verb, answer: shape, row }: Operation): Json {
  if (row !== undefined) return ref(nameOf(row));
  if (model !== undefined && verb !== undefined)
    return ref(verb === 'list' ? `Paginated${nameOf(model)}List` : nameOf(model));
  return shape === undefined ? {} : jsonSchema(shape);
}

const answer = (description: string, schema: Json, type = 'application/json') => ({
  description,
  content: { [type]: { schema } },
});
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function listParameters(model: Model | undefined): Json[] {
  const fields = model === undefined ? [] : fieldFilterNames(model);
  const filters = [...new Set([...Object.keys(model?.filters ?? {}), ...fields])].filter((name) => name !== 'search');
  const query = (name: string, schema: Json) => ({ name, in: 'query', required: false, schema });
  return [
    ...filters.map((name) => query(name, { type: 'string' })),
    query('search', { type: 'string' }),
    ...(model?.searchLimit === undefined ? [] : [query('search_before', { type: 'string', format: 'date-time' })]),
    query('ordering', { type: 'string' }),
    query('page', { type: 'integer' }),
    query('page_size', { type: 'integer' }),
  ];
}

/** `UserLoginStage`: the noun without blanks, or the last part of the id where that says more. */
function nameOf(model: Model): string {
  const words = model.noun.replaceAll(/[^A-Za-z0-9]+(\w)?/g, (_all, letter: string | undefined) =>
    (letter ?? '').toUpperCase(),
  );
  return words === '' ? modelName(model) : words;
}

/** Where the rows of a table are listed, of whatever kind they are. */
function listPaths(models: ReadonlySet<Model>): ReadonlyMap<string, string> {
  return new Map(
    [...models].flatMap(({ kind, path, table }): [string, string][] =>
      kind === undefined && path !== undefined ? [[table, path]] : [],
    ),
  );
}

/** Requests carry what forms need beyond the types: the model, first values, and where the rows that a field names are
 * listed (`x-` fields, which other readers ignore). */
function schemasOf(model: Model, lists: ReadonlyMap<string, string>): Json {
  const name = nameOf(model);
  const shown = Object.entries(model.fields).filter(([, { hidden }]) => hidden !== true);
  const writable = Object.entries(model.fields).filter(
    ([, { readOnly, blueprintOnly }]) => readOnly !== true && blueprintOnly !== true,
  );
  const derived = Object.entries({ ...(model.component === undefined ? {} : kindShape), ...model.derived });
  const required = writable.filter(([, { initial }]) => initial === undefined).map(([field]) => field);
  const request = {
    type: 'object',
    properties: requestPropertiesOf(writable, lists),
    'x-model': {
      id: model.id,
      noun: model.noun,
      path: model.path,
      lookup: model.lookup,
      family: model.kind === undefined ? undefined : lists.get(model.table),
      about: model.about,
    },
  };
  return {
    [name]: {
      type: 'object',
      properties: {
        pk: { readOnly: true, type: model.keyType === 'integer' ? 'integer' : 'string' },
        ...propertiesOf(shown),
        ...Object.fromEntries(derived.map(([key, shape]) => [key, { ...jsonSchema(shape), readOnly: true }])),
      },
      required: ['pk', ...new Set([...shown, ...derived].map(([key]) => key))],
      additionalProperties: true,
    },
    [`${name}Request`]: required.length === 0 ? request : { ...request, required },
    [`Patched${name}Request`]: request,
    [`Paginated${name}List`]: {
      type: 'object',
      properties: {
        pagination: ref('Pagination'),
        results: { type: 'array', items: ref(name) },
        autocomplete: { type: 'object' },
        ...(model.searchLimit === undefined ? {} : { searched: Searched }),
      },
      required: ['pagination', 'results', 'autocomplete'],
    },
  };
}

function propertiesOf(fields: readonly (readonly [string, Field])[]): Json {
  return Object.fromEntries(
    fields.map(([name, { schema, readOnly, hidden }]) => [
      name,
      {
        ...jsonSchema(schema),
        ...(readOnly === true ? { readOnly: true } : {}),
        ...(hidden === true ? { writeOnly: true } : {}),
      },
    ]),
  );
}

function requestPropertiesOf(fields: readonly (readonly [string, Field])[], lists: ReadonlyMap<string, string>): Json {
  const plain = propertiesOf(fields);
  return Object.fromEntries(
    fields.map(([name, { initial, drawn, references, holdsFile }]) => [
      name,
      {
        ...Object(plain[name]),
        ...(initial === undefined || drawn === true ? {} : { default: initial() }),
        ...(references === undefined ? {} : { 'x-reference': lists.get(references.table) }),
        ...(holdsFile === true ? { 'x-file': true } : {}),
      },
    ]),
  );
}

function jsonSchema(schema: z.ZodType): Json {
  const made = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema: part }) {
      if (zodSchema._zod.def.type === 'date') Object.assign(part, { type: 'string', format: 'date-time' });
    },
  });
  return Object.fromEntries(Object.entries(made).filter(([name]) => name !== '$schema'));
}

const ValidationError = {
  type: 'object',
  properties: { non_field_errors: { type: 'array', items: { type: 'string' } }, code: { type: 'string' } },
  additionalProperties: true,
};
const GenericError = { type: 'object', properties: { detail: { type: 'string' } }, required: ['detail'] };
const Searched = {
  type: 'object',
  description: 'How far a search by words has looked, where there are older rows; `search_before` looks further back',
  properties: { rows: { type: 'integer' }, since: { type: 'string', format: 'date-time' } },
  required: ['rows', 'since'],
};
const counts = ['next', 'previous', 'count', 'current', 'total_pages', 'start_index', 'end_index'];
const Pagination = {
  type: 'object',
  properties: Object.fromEntries(counts.map((name) => [name, { type: 'number' }])),
  required: counts,
};
