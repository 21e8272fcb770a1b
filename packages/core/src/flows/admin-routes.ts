// What administrators ask of flows, stages and policies beyond their rows (core.md §11.5). Nothing is cached here, so that the
// counts of the caches are 0 and clearing them changes nothing.

import { z } from 'zod';
import { keyParameter, requirePermission, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { isSecure } from '../api/session-cookies.ts';
import { rowOf } from '../api/visibility.ts';
import type { CoreDeps } from '../deps.ts';
import { fieldValue } from '../models/represent.ts';
import { cacheShape, linkShape, userSettingShape } from './answers.ts';
import { flowModel } from './models.ts';

const caches = [
  { path: 'flows/instances', view: 'authentik_flows.view_flow_cache', clear: 'authentik_flows.clear_flow_cache' },
  {
    path: 'policies/all',
    view: 'authentik_policies.view_policy_cache',
    clear: 'authentik_policies.clear_policy_cache',
  },
];

export function registerFlowAdministration(api: Api, deps: CoreDeps): void {
  const about = (summary: string, answer: z.ZodType) => ({ config: { operation: { summary, answer } } });
  for (const { path, view, clear } of caches) {
    api.get(`/api/v3/${path}/cache_info/`, about('How much is cached: nothing', cacheShape), async (request) => {
      requirePermission(request, view);
      return { count: 0 };
    });
    api.post(
      `/api/v3/${path}/cache_clear/`,
      { config: { operation: { summary: 'Forget what is cached: nothing', status: 204 } } },
      async (request, reply) => {
        requirePermission(request, clear);
        return reply.code(204).send();
      },
    );
  }
  api.get('/api/v3/flows/instances/:key/execute/', about('Where the flow begins', linkShape), async (request) => {
    await rowOf(deps, flowModel, request, 'view');
    const origin = `${isSecure(request) ? 'https' : 'http'}://${request.headers.host ?? ''}`;
    return { link: `${origin}${deps.webPath}if/flow/${keyParameter(request)}/` };
  });
  api.get(
    '/api/v3/stages/all/user_settings/',
    about('What users can set up for themselves', z.array(userSettingShape)),
    async (request) => {
      requirePrincipal(request);
      return userSettings(deps);
    },
  );
}

/** Stages with a flow to configure them. */
async function userSettings({ database, registry, webPath }: CoreDeps) {
  const rows = await database.kysely.selectFrom('stages').selectAll().orderBy('name').execute();
  return rows.flatMap((row) => {
    const model = registry.ofKind('stages', row.kind);
    if (model?.fields['configure_flow'] === undefined || row.settings['configure_flow'] == null) return [];
    const title = fieldValue(model, row, 'friendly_name');
    const kind = model.path?.replace(/^\/stages\/|\/$/g, '').replaceAll(/[/_]/g, '-') ?? '';
    return {
      object_uid: row.uuid,
      component: `ak-user-settings-${kind}`,
      title: typeof title === 'string' && title !== '' ? title : row.name,
      configure_url: `${webPath}flows/-/configure/${row.uuid}/`,
    };
  });
}
