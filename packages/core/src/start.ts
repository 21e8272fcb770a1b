// Puts the core together: database, rooms, routes, control channel, housekeeping.
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { contractVersion } from '@gatehouse/contract/versions';
import type { Clock } from '@gatehouse/daemon/async';
import type { Address, Secret } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import type { StorageSettings } from '@gatehouse/storage';
import { createActors } from './all-actors.ts';
import { registry } from './all-models.ts';
import { createCertificatePeers } from './api/client-certificate.ts';
import { registerModelRoutes } from './api/crud.ts';
import { registerSchemaRoute } from './api/openapi.ts';
import type { Operations } from './api/operations.ts';
import { type Api, apiRoutes, createServer } from './api/server.ts';
import { createThrottle, type Rate } from './api/throttle.ts';
import { serveWebsockets } from './api/websockets.ts';
import { registerApplicationRoutes } from './applications/routes.ts';
import { discoverBlueprints } from './blueprints/discovery.ts';
import { createBlueprintFolders } from './blueprints/folder.ts';
import { registerBlueprintRoutes } from './blueprints/routes.ts';
import { watchBlueprints } from './blueprints/watch.ts';
import { registerBrandRoutes } from './brands/routes.ts';
import type { KeyPair } from './crypto/generate.ts';
import { registerCryptoRoutes } from './crypto/routes.ts';
import type { Database } from './database/connection.ts';
import { createEpochs } from './database/remembered.ts';
import type { CoreDeps } from './deps.ts';
import { registerDeviceRoutes } from './devices/routes.ts';
import { auditChanges } from './events/audit.ts';
import { clientChannel } from './events/notifications/client-channel.ts';
import { registerNotificationRoutes } from './events/notifications/routes.ts';
import { registerEventRoutes } from './events/routes.ts';
import { createCoreFiles } from './files/core-files.ts';
import { packagedImages } from './files/packaged-images.ts';
import { registerFileRoutes } from './files/routes.ts';
import { registerFlowAdministration } from './flows/admin-routes.ts';
import { registerInspector } from './flows/inspector.ts';
import { registerFlowPages } from './flows/pages.ts';
import { registerFlowRoutes } from './flows/routes.ts';
import { registerCountries } from './geoip/countries.ts';
import { createLocations, type LocationPaths } from './geoip/locations.ts';
import { createPasswordHasher } from './identity/passwords/hasher.ts';
import { registerIdentityRoutes } from './identity/routes.ts';
import type { Post } from './mail/send.ts';
import { registerTestRoutes } from './mappings/test.ts';
import { createCoreMetrics } from './metrics.ts';
import { announceLogout } from './oidc/participants.ts';
import { registerPreviewRoute } from './oidc/preview.ts';
import { registerOidcRoutes } from './oidc/routes.ts';
import { sweepChanges } from './outposts/change-log.ts';
import { createOutpostChannels } from './outposts/channels.ts';
import { controlChannel } from './outposts/control-channel.ts';
import { followChanges } from './outposts/deltas.ts';
import { tellOutposts } from './outposts/reactions.ts';
import { registerOutpostRoutes } from './outposts/routes.ts';
import { registerPageRoutes } from './pages/routes.ts';
import { sweepLoginBrake } from './policies/login-brake.ts';
import { sweepReputation } from './policies/reputation.ts';
import { registerProviderRoutes } from './providers/routes.ts';
import { registerRbacRoutes } from './rbac/routes.ts';
import { ensureEmbeddedOutpost, seedInstallation } from './seed.ts';
import { registerRecoveryRoutes } from './sessions/recovery.ts';
import { registerSessionRoutes } from './sessions/routes.ts';
import { createSessionStore } from './sessions/store.ts';
import { registerPromptPreview } from './stages/prompt/preview.ts';
import { registerHealthRoutes, registerMetricsRoute, registerSystemRoutes } from './system/routes.ts';
import { createSettingsStore } from './system/settings.ts';
import { unfinishedTasks } from './tasks/queue.ts';
import { registerTaskRoutes } from './tasks/routes.ts';
import { reconcileSchedules, sendDue } from './tasks/scheduler.ts';
import { createWorker, type Worker } from './tasks/worker.ts';

const sweepEveryMs = 60_000;
const usualRate: Rate = { requests: 1000, periodMs: 1_000 };
const usualDeviceRate: Rate = { requests: 20, periodMs: 3_600_000 };

export interface StartOptions {
  readonly database: Database;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly secretKey: Secret;
  readonly listen: readonly Address[];
  /** Folder of the installation's own blueprints. */
  readonly blueprintsDir: string | undefined;
  /** Address or folder of breached passwords. */
  readonly pwnedPasswords: string;
  /** How often one address may ask anonymously. */
  readonly anonymousRate?: Rate | undefined;
  /** How often one address may start to sign a device in. */
  readonly deviceRate?: Rate | undefined;
  /** Files of the location databases. */
  readonly locations: LocationPaths;
  /** Networks beside this machine whose client-certificate headers are believed. */
  readonly certificatePeers?: readonly string[];
  readonly demo: boolean;
  /** Asked again where a secret behind a file may have changed. */
  readonly storage: () => StorageSettings;
  readonly web: { readonly path: string; readonly assets_dist: string; readonly assets_authentik: string };
  /** Folder of certificates to take over; `undefined` for none. */
  readonly certificatesDir?: string | undefined;
  readonly embeddedOutpost?: boolean;
  /** How mails are sent. */
  readonly post: Post;
  /** Length of the RSA key of the first certificate. */
  readonly rsaBits?: number;
  /** The key itself, if it is being made already. */
  readonly firstKeys?: Promise<KeyPair> | undefined;
  /** Serves before the first certificate is there. */
  readonly certificateInBackground?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface RunningCore {
  readonly deps: CoreDeps;
  readonly worker: Worker;
  readonly bound: readonly Address[];
  close(): Promise<void>;
}

/** Listens when everything shipped has been applied. @throws GatewayError `ERR_CORE_BLUEPRINT` if some of it fails */
export async function startCore(options: StartOptions): Promise<RunningCore> {
  const deps = await createDeps(options);
  const {
    embeddedOutpost = true,
    rsaBits = 4096,
    firstKeys: keys,
    certificateInBackground: inBackground = false,
  } = options;
  deps.log.info('setting up default objects', {});
  await Promise.all([seedInstallation(deps, { rsaBits, keys, inBackground }), applyBlueprints(deps)]);
  await ensureEmbeddedOutpost(deps, embeddedOutpost); // after the blueprints, which may say what it serves
  await reconcileSchedules(deps, deps.actors);
  const { server, operations } = createServer(deps);
  registerMetricsRoute(server, options.metrics);
  await registerRoutes(server, deps, { operations, post: options.post });
  deps.metrics.state.outposts = () => deps.channels.instances.map(({ name, uid }) => ({ outpost: name, uid }));
  deps.metrics.state.connections = deps.database.connections;
  deps.metrics.state.tasks = () => unfinishedTasks(deps);
  const worker = createWorker(deps, deps.actors);
  await worker.start();
  const websockets = serveWebsockets(deps, server.server, [controlChannel(deps), await clientChannel(deps)]);
  const feed = await followChanges(deps.database, deps.log, (delta) => deps.channels.tellChanges(delta));
  const bound: Address[] = [];
  for (const { host, port } of options.listen) {
    await server.listen({ host, port });
    for (const address of server.addresses()) bound.push(boundAddress(address));
  }
  const unwatch = options.blueprintsDir === undefined ? () => {} : watchBlueprints(deps, options.blueprintsDir);
  const sweeper = setInterval(() => void sweep(deps), sweepEveryMs);
  return {
    deps,
    worker,
    bound,
    async close() {
      clearInterval(sweeper);
      unwatch();
      await feed.close();
      await worker.stop();
      await websockets.close();
      server.server.closeAllConnections();
      await server.close();
      await deps.passwords.close();
    },
  };
}

/** What the rooms of the core share; also for commands, which serve nothing. */
export async function createDeps(options: StartOptions): Promise<CoreDeps> {
  const { database, log, clock, secretKey, storage, web, env } = options;
  const assets = await packagedImages({ authentik: web.assets_authentik, dist: web.assets_dist });
  const { id } = await database.kysely.selectFrom('installation').select('id').executeTakeFirstOrThrow();
  const channels = await createOutpostChannels(database);
  const sessions = createSessionStore({
    database,
    clock,
    onEnding: announceLogout,
    onEnded: (ids) => channels.sessionsEnded(ids),
  });
  const deps: CoreDeps = {
    database,
    epochs: await createEpochs(database, clock),
    log,
    metrics: createCoreMetrics(options.metrics),
    clock,
    secretKey,
    installationId: id,
    passwords: createPasswordHasher(),
    sessions,
    settings: await createSettingsStore(database),
    actors: createActors(options),
    blueprints: createBlueprintFolders(blueprintFolders(options), env),
    channels,
    files: createCoreFiles({ settings: storage, secretKey, webPath: web.path, assets, env, clock, log }),
    webPath: web.path,
    registry,
    async announce(changes, author) {
      await tellOutposts(deps, changes);
      await auditChanges(deps, changes, author);
    },
    pwnedPasswords: options.pwnedPasswords,
    anonymous: createThrottle(options.anonymousRate ?? usualRate, clock),
    deviceStarts: createThrottle(options.deviceRate ?? usualDeviceRate, clock),
    certificatePeers: createCertificatePeers(options.certificatePeers ?? []),
    locations: createLocations(options.locations, { clock, log }),
    version: contractVersion,
  };
  return deps;
}

async function applyBlueprints(deps: CoreDeps): Promise<void> {
  const startedMs = deps.clock.monotonicMs();
  const { applied, failed } = await discoverBlueprints(deps);
  deps.log.info('blueprints discovered', { took_ms: Math.round(deps.clock.monotonicMs() - startedMs) });
  for (const path of applied) deps.log.info('blueprint applied', { path });
  for (const [path, error] of Object.entries(failed)) deps.log.error('blueprint failed', { path, error });
}

/** Shipped first, the installation's own last: of two with one path its own counts. */
function blueprintFolders({ blueprintsDir, demo }: StartOptions): string[] {
  const shipped = fileURLToPath(new URL('../blueprints', import.meta.url));
  return [
    `${shipped}/shipped`,
    ...(demo ? [`${shipped}/demo`] : []),
    ...(blueprintsDir === undefined ? [] : [blueprintsDir]),
  ];
}

interface Serving {
  readonly operations: Operations;
  readonly post: Post;
}

async function registerRoutes(server: Api, deps: CoreDeps, { operations, post }: Serving): Promise<void> {
  registerHealthRoutes(server, deps);
  registerFlowRoutes(server, deps);
  registerFlowPages(server, deps);
  registerOidcRoutes(server, deps);
  registerPageRoutes(server, deps);
  registerRecoveryRoutes(server, deps);
  await apiRoutes(server, deps, (api) => {
    registerInspector(api, deps);
    registerTestRoutes(api, deps);
    registerCountries(api);
    registerSchemaRoute(api, operations, deps);
    registerSystemRoutes(api, deps);
    registerIdentityRoutes(api, deps);
    registerSessionRoutes(api, deps);
    registerRbacRoutes(api, deps);
    registerApplicationRoutes(api, deps);
    registerBrandRoutes(api, deps);
    registerOutpostRoutes(api, deps);
    registerCryptoRoutes(api, deps);
    registerEventRoutes(api, deps);
    registerNotificationRoutes(api, deps, post);
    registerFileRoutes(api, deps);
    registerTaskRoutes(api, deps);
    registerDeviceRoutes(api, deps);
    registerFlowAdministration(api, deps);
    registerProviderRoutes(api, deps);
    registerPreviewRoute(api, deps);
    registerPromptPreview(api, deps);
    registerBlueprintRoutes(api, deps);
    for (const model of registry.all) {
      const url = `/api/v3${model.path ?? ''}`;
      if (!api.hasRoute({ method: 'GET', url })) registerModelRoutes(api, deps, model);
    }
  });
}

/** What cannot wait for a schedule: ended sessions, missed notices, and the schedules themselves. */
async function sweep(deps: CoreDeps): Promise<void> {
  try {
    await deps.sessions.sweep();
    await deps.database.kysely.deleteFrom('consents').where('expires', '<=', new Date(deps.clock.now())).execute();
    await sweepChanges(deps.database);
    await sweepLoginBrake(deps);
    await sweepReputation(deps);
    await deps.settings.refresh();
    await sendDue(deps);
  } catch (error) {
    deps.log.warn('housekeeping failed', { error: error instanceof Error ? error.message : String(error) });
  }
}

function boundAddress(at: AddressInfo | string): Address {
  return typeof at === 'string' ? { host: at, port: 0 } : { host: at.address, port: at.port };
}
