// A whole router in the test's own process, on free loopback ports, in front of a core of the test's choice.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '@gatehouse/daemon/async';
import { loadConfig, Secret } from '@gatehouse/daemon/config';
import { createHealth } from '@gatehouse/daemon/health';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { captureLogger, temporaryFolder } from '@gatehouse/daemon/testing';
import { routerConfig } from '../config.ts';
import type { ApplicationHandler } from '../embedded/application-handler.ts';
import { createRouterMetrics } from '../metrics.ts';
import { startRouter } from '../start.ts';

export const testSecret = 'a secret key of sufficient length for tests';

export interface RouterSetup {
  readonly core?: { readonly url: string };
  readonly env?: Readonly<Record<string, string>>;
  /** Files below the folder of the test, by path. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly application?: ApplicationHandler;
}

/** Nobody is trusted unless `AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS` says otherwise: tests come from loopback. */
export async function runRouter(setup: RouterSetup = {}) {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(setup.files ?? {})) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), content);
  }
  const env = {
    AUTHENTIK_SECRET_KEY: testSecret,
    AUTHENTIK_CORE__URL: setup.core?.url ?? 'http://127.0.0.1:1',
    AUTHENTIK_LISTEN__HTTP: '127.0.0.1:0',
    AUTHENTIK_LISTEN__HTTPS: '127.0.0.1:0',
    AUTHENTIK_LISTEN__SOCKET: join(folder.path, 'router.sock'),
    AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS: '203.0.113.0/24',
    AUTHENTIK_WEB__ASSETS_DIST: join(folder.path, 'dist'),
    AUTHENTIK_WEB__ASSETS_AUTHENTIK: join(folder.path, 'authentik'),
    AUTHENTIK_STORAGE__FILE__PATH: join(folder.path, 'data'),
    AUTHENTIK_OUTPOSTS__DISABLE_EMBEDDED_OUTPOST: 'true',
    AKPROXY_SESSION__PATH: join(folder.path, 'sessions'),
    ...setup.env,
  };
  const log = captureLogger();
  const metrics = createMetrics();
  const router = await startRouter({
    config: loadConfig(routerConfig, { env, files: [] }).config,
    env,
    version: '1.2.3',
    ipcKey: new Secret('ipc'),
    metrics: createRouterMetrics(metrics),
    allMetrics: metrics,
    health: createHealth(),
    clock: systemClock,
    log,
    output: { write: (line) => void log.lines.push(JSON.parse(line)) },
    passLine: () => undefined,
    ...(setup.application === undefined ? {} : { application: setup.application }),
  });
  const portOf = (component: 'http' | 'https') => router.bound.get(component)?.[0]?.port ?? 0;
  return {
    router,
    log,
    metrics,
    folder: folder.path,
    port: portOf('http'),
    tlsPort: portOf('https'),
    socketPath: router.socketPath,
    url: `http://127.0.0.1:${portOf('http')}`,
    async [Symbol.asyncDispose]() {
      await router.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Resolves when `condition` holds; for what another process or socket brings about. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) {
    if (await condition()) return;
    await systemClock.sleep(10);
  }
  throw new Error('what was waited for has not come about');
}
