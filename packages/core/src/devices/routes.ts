// Routes of second factors (core.md §11.5): everybody's own, and all of them for administrators.

import { z } from 'zod';
import { moment } from '../api/answers.ts';
import { pageOfRows, registerModelRoutes } from '../api/crud.ts';
import { noPermission } from '../api/failure.ts';
import { type ApiRequest, queryOf, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { mayEverywhere } from '../identity/permissions.ts';
import { type Model, permissionName } from '../models/model.ts';
import { kindShape } from '../models/shapes.ts';
import { deviceModels, deviceTypes, ofUser } from './models.ts';

const { component: _component, ...deviceKind } = kindShape;

/** A second factor of whatever kind. */
export const deviceShape = z.object({
  ...deviceKind,
  pk: z.string(),
  name: z.string(),
  type: z.string(),
  confirmed: z.boolean(),
  created: moment,
  last_updated: moment,
  last_used: moment.nullable(),
  extra_description: z.string().nullable(),
  external_id: z.string().nullable(),
});

const prefix = '/api/v3/authenticators';

export function registerDeviceRoutes(api: Api, deps: CoreDeps): void {
  const about = (summary: string) => ({ config: { operation: { summary, answer: z.array(deviceShape) } } });
  api.get(`${prefix}/all/`, about('Own second factors'), (request) =>
    listDevices(deps, requirePrincipal(request).user.id),
  );
  api.get(`${prefix}/admin/all/`, about('Second factors of a user'), (request) => {
    const principal = requirePrincipal(request);
    if (!deviceModels.every((model) => mayEverywhere(principal, permissionName(model, 'view')))) throw noPermission();
    return listDevices(deps, Number(queryOf(request).get('user') ?? principal.user.id));
  });
  for (const model of deviceModels) registerKind(api, deps, model);
}

function registerKind(api: Api, deps: CoreDeps, model: Model): void {
  const own = (request: ApiRequest) => pageOfRows(deps, model, request, [ofUser(requirePrincipal(request).user.id)]);
  api.get(`/api/v3${model.path}`, { config: { operation: { model, verb: 'list' } } }, own);
  registerModelRoutes(api, deps, model, { without: ['list'] });
  const { owner: _owner, verbs: _verbs, path = '', ...rest } = model;
  registerModelRoutes(api, deps, { ...rest, path: path.replace('/authenticators/', '/authenticators/admin/') });
}

async function listDevices({ database, registry }: CoreDeps, user: number) {
  const rows = await database.kysely
    .selectFrom('devices')
    .selectAll()
    .where('user_id', '=', Number.isInteger(user) ? user : -1)
    .orderBy('id')
    .execute();
  return rows.map((row) => {
    const model = registry.ofKind('devices', row.kind);
    return {
      verbose_name: model?.noun ?? row.kind,
      verbose_name_plural: model?.nouns ?? row.kind,
      meta_model_name: model?.id ?? row.kind,
      pk: String(row.id),
      name: row.name,
      type: deviceTypes[row.kind] ?? row.kind,
      confirmed: row.confirmed,
      created: row.created.toISOString(),
      last_updated: row.last_updated.toISOString(),
      last_used: row.last_used?.toISOString() ?? null,
      extra_description: null,
      external_id: null,
    };
  });
}
