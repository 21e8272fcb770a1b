// Routes about the core itself: root configuration, version, brand of this host, health (core.md §1.3, §11.6).
import { requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { brandOfHost } from '../brands/current.ts';
import { brandModel } from '../brands/models.ts';
import type { CoreDeps } from '../deps.ts';
import { fileCapabilities } from '../files/core-files.ts';
import { represent } from '../models/represent.ts';

const cacheSeconds = 300;

export function registerSystemRoutes(api: Api, deps: CoreDeps): void {
  api.get('/api/v3/root/config/', async () => ({
    error_reporting: {
      enabled: false,
      sentry_dsn: '',
      environment: 'customer',
      send_pii: false,
      traces_sample_rate: 0,
    },
    capabilities: await fileCapabilities(deps.files),
    cache_timeout: cacheSeconds,
    cache_timeout_flows: cacheSeconds,
    cache_timeout_policies: cacheSeconds,
  }));
  api.get('/api/v3/admin/version/', async (request) => {
    requirePrincipal(request);
    return {
      version_current: deps.version,
      version_latest: deps.version,
      version_latest_valid: false,
      build_hash: '',
      outdated: false,
      outpost_outdated: false,
    };
  });
  api.get('/api/v3/core/brands/current/', async (request) => {
    const brand = await brandOfHost(deps, request.headers.host ?? '');
    const [shown = {}] = brand === undefined ? [] : await represent(deps, brandModel, [brand], new URLSearchParams());
    const value = (name: string): unknown => shown[name] ?? brandModel.fields[name]?.initial?.();
    return {
      matched_domain: value('domain') ?? '',
      branding_title: value('branding_title'),
      branding_logo: await deps.files.url(value('branding_logo')),
      branding_logo_themed_urls: await deps.files.themedUrls(value('branding_logo')),
      branding_favicon: await deps.files.url(value('branding_favicon')),
      branding_favicon_themed_urls: await deps.files.themedUrls(value('branding_favicon')),
      branding_custom_css: value('branding_custom_css'),
      ui_footer_links: [],
      ui_theme: 'automatic',
      default_locale: '',
      flags: {},
    };
  });
}

/** Probes outside the API (core.md §1.3): alive as long as we answer, ready while the database does. */
export function registerHealthRoutes(server: Api, deps: CoreDeps): void {
  server.get('/-/health/live/', (_request, reply) => reply.code(200).send());
  server.get('/-/health/ready/', async (_request, reply) => {
    const ready = await deps.database.isReachable();
    return reply.code(ready ? 200 : 503).send();
  });
}
