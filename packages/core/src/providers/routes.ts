import { z } from 'zod';
// `/providers/oauth2/<pk>/setup_urls/` (core.md §11.3): what to type into an application.
import type { Api } from '../api/server.ts';
import { rowOf } from '../api/visibility.ts';
import { baseUrlOf } from '../api/web-path.ts';
import type { CoreDeps } from '../deps.ts';
import { fieldValue } from '../models/represent.ts';
import { assignmentsOf } from './assignments.ts';
import { oauthProviderModel } from './models.ts';

/** Addresses to configure a client with; those by name are absent without an application. */
export const setupUrlsShape = z.object({
  issuer: z.string().nullable(),
  authorize: z.string(),
  token: z.string(),
  user_info: z.string(),
  provider_info: z.string().nullable(),
  logout: z.string().nullable(),
  jwks: z.string().nullable(),
});

export function registerProviderRoutes(api: Api, deps: CoreDeps): void {
  api.get(
    '/api/v3/providers/oauth2/:key/setup_urls/',
    { config: { operation: { summary: 'Addresses of the provider', answer: setupUrlsShape } } },
    async (request) => {
      const row = await rowOf(deps, oauthProviderModel, request, 'view');
      const pk = Number(row['id']);
      const slug = (await assignmentsOf(deps, [pk])).get(pk)?.assigned_application_slug ?? null;
      const base = baseUrlOf(deps, request);
      const root = `${base}application/o/`;
      const isGlobal = fieldValue(oauthProviderModel, row, 'issuer_mode') === 'global';
      const own = (path: string) => (slug === null ? null : `${root}${slug}/${path}`);
      return {
        issuer: isGlobal ? base : own(''),
        authorize: `${root}authorize/`,
        token: `${root}token/`,
        user_info: `${root}userinfo/`,
        provider_info: own('.well-known/openid-configuration'),
        logout: own('end-session/'),
        jwks: own('jwks/'),
      };
    },
  );
}
