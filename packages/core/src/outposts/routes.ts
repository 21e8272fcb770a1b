// What outposts ask for (core-contract §3): their providers, and whether a logged-in user may use one.

import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import { pageShape } from '../api/answers.ts';
import { conditional } from '../api/conditional.ts';
import { listRows } from '../api/crud.ts';
import { ApiFailure, noCredentials, notFound } from '../api/failure.ts';
import { type ApiRequest, keyParameter, queryOf, requirePermission } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { baseUrlOf } from '../api/web-path.ts';
import { mayUseApplication } from '../applications/access.ts';
import { remembered } from '../database/remembered.ts';
import type { CoreDeps } from '../deps.ts';
import { may } from '../identity/permissions.ts';
import { radiusReply } from '../mappings/radius.ts';
import type { Model, Row } from '../models/model.ts';
import { ldapProviderModel, proxyProviderModel, radiusProviderModel } from '../providers/models.ts';
import {
  directoryAccessShape,
  instanceShape,
  outpostDefaultsShape,
  radiusAccessShape,
  servedShapes,
} from './answers.ts';
import { instanceStates } from './instances.ts';
import { outpostModel } from './models.ts';
import { providerRows } from './provider-rows.ts';
import { registerRadiusLogins } from './radius-logins.ts';
import { registerSyncRoute } from './sync-route.ts';

const prefix = '/api/v3/outposts';
const served: Readonly<Record<'ldap' | 'radius' | 'proxy', Model>> = {
  ldap: ldapProviderModel,
  radius: radiusProviderModel,
  proxy: proxyProviderModel,
};

export function registerOutpostRoutes(api: Api, deps: CoreDeps): void {
  const about = (summary: string, answer: z.ZodType) => ({ config: { operation: { summary, answer } } });
  for (const type of ['ldap', 'radius', 'proxy'] as const) {
    const answer = pageShape(servedShapes[type]);
    api.get(`${prefix}/${type}/`, about(`Providers of ${type} outposts`, answer), async (request, reply) => {
      const view: Model = {
        ...served[type],
        represent: (_deps, rows) => providerRows(deps, type, rows, baseUrlOf(deps, request)),
      };
      return conditional(request, reply, await listRows(deps, view, request, [hasApplication]));
    });
  }
  api.get(`${prefix}/ldap/:key/check_access/`, about('May the caller in', directoryAccessShape), async (request) => {
    const { provider, access, caller } = await checkAccess(deps, ldapProviderModel, request);
    const search = may(caller, 'authentik_providers_ldap.search_full_directory', Number(provider['id']));
    return { has_search_permission: search, access };
  });
  api.get(`${prefix}/radius/:key/check_access/`, about('May the caller in', radiusAccessShape), async (request) => {
    const { provider, access, caller } = await checkAccess(deps, radiusProviderModel, request);
    return access.passing
      ? { attributes: await radiusReply(deps, provider['settings'], caller.user), access }
      : { access };
  });
  registerRadiusLogins(api, deps);
  registerSyncRoute(api, deps);
  api.get(`${prefix}/instances/default_settings/`, about('First settings', outpostDefaultsShape), (request) => {
    requirePermission(request, 'authentik_outposts.view_outpost');
    return { config: { authentik_host: baseUrlOf(deps, request), log_level: 'info', refresh_interval: 'minutes=5' } };
  });
  api.get(`${prefix}/instances/:key/health/`, about('Who runs', z.array(instanceShape)), async (request) => {
    requirePermission(request, outpostModel.id.replace('.', '.view_'));
    return instanceStates(deps, keyParameter(request));
  });
}

/** Only providers that an application uses are served; LDAP also as a back-channel provider. */
const hasApplication: RawBuilder<boolean> = sql<boolean>`(exists (select 1 from applications where provider = providers.id)
  or exists (select 1 from application_backchannel where provider = providers.id))`;

const providerByKey = remembered((deps: CoreDeps, key) =>
  deps.database.kysely.selectFrom('providers').selectAll().where('id', '=', Number(key)).executeTakeFirst(),
);
const applicationBySlug = remembered((deps: CoreDeps, slug) =>
  deps.database.kysely.selectFrom('applications').selectAll().where('slug', '=', slug).executeTakeFirst(),
);

/** The user's own session asks, and nobody else's: an anonymous one is refused (flow-executor.md F3). */
async function checkAccess(deps: CoreDeps, model: Model, request: ApiRequest) {
  const caller = request.caller.principal;
  if (caller === undefined) throw noCredentials();
  const slug = queryOf(request).get('app_slug');
  if (slug === null) throw new ApiFailure(400, { app_slug: ['This field is required.'] });
  const key = keyParameter(request);
  const provider: Row | undefined = /^\d{1,9}$/.test(key) ? await providerByKey(deps, key) : undefined;
  if (provider?.['kind'] !== model.id) throw notFound(model.noun);
  const application = await applicationBySlug(deps, slug);
  if (application === undefined) throw notFound('Application');
  const { passing } = await mayUseApplication(deps, application, { user: caller.user });
  return { provider, caller, access: { passing, messages: [], log_messages: [] } };
}
