// `/api/v3/core/brands/` and `current/`, what anybody may know of the brand of this host (core.md §11.2).

import { registerModelRoutes } from '../api/crud.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { represent } from '../models/represent.ts';
import { currentBrandShape } from './answers.ts';
import { brandOfHost } from './current.ts';
import { brandModel } from './models.ts';

const flowFields = [
  'flow_authentication',
  'flow_invalidation',
  'flow_recovery',
  'flow_unenrollment',
  'flow_user_settings',
  'flow_device_code',
  'flow_lockdown',
] as const;

export function registerBrandRoutes(api: Api, deps: CoreDeps): void {
  api.get(
    '/api/v3/core/brands/current/',
    { config: { operation: { summary: 'The brand of this host', open: true, answer: currentBrandShape } } },
    async (request) => {
      const brand = await brandOfHost(deps, request.headers.host ?? '');
      const [shown = {}] = brand === undefined ? [] : await represent(deps, brandModel, [brand], new URLSearchParams());
      const value = (name: keyof typeof brandModel.fields): unknown =>
        shown[name] ?? brandModel.fields[name]?.initial?.();
      const { footer_links, flags } = deps.settings.current();
      return {
        matched_domain: shown['domain'] ?? 'fallback',
        branding_title: value('branding_title'),
        branding_logo: await deps.files.url(value('branding_logo')),
        branding_logo_themed_urls: await deps.files.themedUrls(value('branding_logo')),
        branding_favicon: await deps.files.url(value('branding_favicon')),
        branding_favicon_themed_urls: await deps.files.themedUrls(value('branding_favicon')),
        branding_custom_css: value('branding_custom_css'),
        ui_footer_links: footer_links,
        ui_theme: themeOf(brand?.attributes),
        ...(await flowSlugs(deps, shown)),
        default_locale: localeOf(brand?.attributes),
        flags: {
          flows_refresh_others: flags.flows_refresh_others,
          flows_continuous_login: flags.flows_continuous_login,
        },
      };
    },
  );
  registerModelRoutes(api, deps, brandModel);
}

/** Slugs of the flows that are set; others are left out. */
async function flowSlugs({ database }: CoreDeps, brand: Readonly<Record<string, unknown>>) {
  const set = flowFields.flatMap((name) => (typeof brand[name] === 'string' ? [[name, brand[name]] as const] : []));
  if (set.length === 0) return {};
  const ids = set.map(([, id]) => id);
  const flows = await database.kysely.selectFrom('flows').select(['uuid', 'slug']).where('uuid', 'in', ids).execute();
  const slugs = new Map(flows.map(({ uuid, slug }) => [uuid, slug]));
  return Object.fromEntries(set.flatMap(([name, id]) => (slugs.has(id) ? [[name, slugs.get(id)]] : [])));
}

function themeOf(attributes: unknown): unknown {
  const base = at(at(at(attributes, 'settings'), 'theme'), 'base');
  return typeof base === 'string' ? base : 'automatic';
}

function localeOf(attributes: unknown): unknown {
  const locale = at(at(attributes, 'settings'), 'locale');
  return typeof locale === 'string' ? locale : '';
}

function at(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
