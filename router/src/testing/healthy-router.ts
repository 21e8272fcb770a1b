// A router whose core has been found healthy: what most tests start from.
import { startPlainCore } from './plain-core.ts';
import { runRouter, until } from './running-router.ts';

export const assets = { 'dist/flow/FlowInterface-1.2.3.js': 'export {};\n', 'dist/assets/icons/icon.png': 'png' };
/** Environment under which loopback may speak for others. */
export const trusting = { AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS: '127.0.0.0/8,10.0.0.0/8' };

export async function healthyRouter(
  env: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string | Buffer>> = assets,
) {
  const core = await startPlainCore();
  const router = await runRouter({ core, env, files });
  await until(() => router.router.watch.state === 'healthy');
  return {
    ...router,
    core,
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      await core[Symbol.asyncDispose]();
    },
  };
}
