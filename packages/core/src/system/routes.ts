// Routes about the core itself: root configuration, version, system, settings, health (core.md §1.3, §11.6).

import { arch, type as osType, version as osVersion, platform, release } from 'node:os';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { createCidrSet } from '@gatehouse/daemon/net';
import { z } from 'zod';
import { registerBaseRoutes } from '../api/bases.ts';
import { notFound } from '../api/failure.ts';
import { families } from '../api/families.ts';
import { type ApiRequest, bodyOf, keyParameter, requirePermission, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { isSecure } from '../api/session-cookies.ts';
import { brandOfHost } from '../brands/current.ts';
import type { CoreDeps } from '../deps.ts';
import { fileCapabilities } from '../files/core-files.ts';
import { InvalidInput } from '../models/invalid.ts';
import { appLabel } from '../models/model.ts';
import { messagesByField } from '../models/validation.ts';
import { embeddedOutpost } from '../outposts/models.ts';
import { labelledShape, pastVersionShape, rootConfigShape, systemShape, versionShape } from './answers.ts';
import { settingsSchema } from './settings.ts';

const cacheSeconds = 300;
const about = (summary: string, answer: z.ZodType, open = false) => ({
  config: { operation: { summary, answer, open } },
});

export function registerSystemRoutes(api: Api, deps: CoreDeps): void {
  api.get('/api/v3/root/config/', about('What clients need to know', rootConfigShape, true), async () => ({
    error_reporting: {
      enabled: false,
      sentry_dsn: '',
      environment: 'customer',
      send_pii: false,
      traces_sample_rate: 0,
    },
    capabilities: [...(await fileCapabilities(deps.files)), ...(await locationCapabilities(deps))],
    cache_timeout: cacheSeconds,
    cache_timeout_flows: cacheSeconds,
    cache_timeout_policies: cacheSeconds,
  }));
  registerVersion(api, deps);
  registerSettings(api, deps);
  for (const method of ['GET', 'POST'] as const)
    api.route({
      method,
      url: '/api/v3/admin/system/',
      ...about('The system this runs on', systemShape),
      handler: (request) => systemInfo(deps, request),
    });
  registerKinds(api, deps);
  for (const base of families) registerBaseRoutes(api, deps, base);
}

function registerVersion(api: Api, deps: CoreDeps): void {
  api.get('/api/v3/admin/version/', about('Versions', versionShape), async (request) => {
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
  const history = () => deps.database.kysely.selectFrom('version_history').selectAll();
  api.get(
    '/api/v3/admin/version/history/',
    about('Versions that ran here', z.array(pastVersionShape)),
    async (request) => {
      requirePermission(request, 'authentik_rbac.view_system_info');
      return history().orderBy('id', 'desc').execute();
    },
  );
  api.get('/api/v3/admin/version/history/:key/', about('One of them', pastVersionShape), async (request) => {
    requirePermission(request, 'authentik_rbac.view_system_info');
    const row = await history()
      .where('id', '=', Number(keyParameter(request)) || 0)
      .executeTakeFirst();
    if (row === undefined) throw notFound('Version History');
    return row;
  });
}

function registerSettings(api: Api, { settings }: CoreDeps): void {
  const url = '/api/v3/admin/settings/';
  api.get(url, { config: { operation: { summary: 'Settings', answer: settingsSchema } } }, async (request) => {
    requirePermission(request, 'authentik_rbac.view_system_settings');
    return settings.current();
  });
  for (const method of ['PUT', 'PATCH'] as const)
    api.route({
      method,
      url,
      config: { operation: { summary: 'Change settings', body: settingsSchema.partial(), answer: settingsSchema } },
      handler: async (request) => {
        requirePermission(request, 'authentik_rbac.edit_system_settings');
        const before = method === 'PATCH' ? settings.current() : {};
        const given = { ...before, ...bodyOf(request) };
        const { success, data, error } = settingsSchema.safeParse(given);
        if (!success) throw new InvalidInput(messagesByField(error, given));
        await settings.replace(data);
        return data;
      },
    });
}

async function systemInfo(deps: CoreDeps, request: ApiRequest) {
  requirePermission(request, 'authentik_rbac.view_system_info');
  const brand = await brandOfHost(deps, request.headers.host ?? '');
  const outpost = await deps.database.kysely
    .selectFrom('outposts')
    .select('config')
    .where('managed', '=', embeddedOutpost)
    .executeTakeFirst();
  const { cookie: _cookie, authorization: _authorization, ...headers } = request.headers;
  return {
    http_headers: headers,
    http_host: request.headers.host ?? '',
    http_is_secure: isSecure(request),
    runtime: {
      python_version: `n/a (node ${process.versions.node})`,
      environment: 'embedded',
      architecture: arch(),
      platform: platform(),
      uname: `${osType()} ${release()} ${osVersion()}`,
      openssl_version: `OpenSSL ${process.versions.openssl}`,
      openssl_fips_enabled: null,
      authentik_version: deps.version,
    },
    brand: brand?.domain ?? 'fallback',
    server_time: new Date(deps.clock.now()).toISOString(),
    embedded_outpost_disabled: outpost === undefined,
    embedded_outpost_host: String(outpost?.config['authentik_host'] ?? ''),
  };
}

/** Lists that event matchers offer. */
function registerKinds(api: Api, { registry }: CoreDeps): void {
  api.get('/api/v3/admin/apps/', about('Parts of the core', z.array(labelledShape)), async (request) => {
    requirePrincipal(request);
    const labels = [...new Set(registry.all.map(appLabel))].sort();
    return labels.map((label) => ({ name: label.replace('_', '.'), label: label.replaceAll('_', ' ') }));
  });
  api.get('/api/v3/admin/models/', about('Kinds of objects', z.array(labelledShape)), async (request) => {
    requirePrincipal(request);
    const models = registry.all.map(({ id, noun }) => ({ name: id, label: noun }));
    return models.sort((one, other) => (one.name < other.name ? -1 : 1));
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

const thisMachine = createCidrSet(['127.0.0.0/8', '::1/128']);

/** `/-/metrics/` for a router on the same machine; for everybody else there is `listen.metrics`. */
export function registerMetricsRoute(server: Api, metrics: Metrics): void {
  server.get('/-/metrics/', async (request, reply) => {
    const isDirect = request.headers['x-forwarded-for'] === undefined;
    if (!isDirect || !thisMachine.has(request.socket.remoteAddress ?? '')) return reply.code(404).send();
    return reply.type(metrics.contentType).send(await metrics.text());
  });
}

async function locationCapabilities({ locations }: CoreDeps): Promise<string[]> {
  const { places, networks } = await locations.present();
  return [...(places ? ['can_geo_ip'] : []), ...(networks ? ['can_asn'] : [])];
}
