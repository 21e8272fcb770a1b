// A whole site for foreign RADIUS peers: our own core with a Wi-Fi secret for a user, an authority, and `gatehouse radius` as
// a process that serves PAP, EAP and RadSec. Used by the tests of this folder.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTestCore, type TestCore } from '@gatehouse/core/testing';
import { createTestAuthority, type TestAuthority, temporaryFolder } from '@gatehouse/daemon/testing';
import { createStarted, type RunningDaemon, type Started, startDaemon, until } from '../../harness/index.ts';

export interface Site extends AsyncDisposable {
  readonly core: TestCore;
  readonly radius: RunningDaemon;
  readonly authority: TestAuthority;
  /** Settings of the daemon, for another one like it. */
  readonly env: Readonly<Record<string, string>>;
  /** Of the user `ada`. */
  readonly wifiSecret: string;
  /** For files of foreign programs. */
  readonly folder: string;
  write(name: string, text: string): Promise<string>;
  /** Events of accounting that the core has got. */
  accounting(): Promise<readonly { readonly context: Readonly<Record<string, unknown>> }[]>;
}

/** @param policy text of the policy file @param env further settings of the daemon */
export async function startSite(policy = '', env: Readonly<Record<string, string>> = {}): Promise<Site> {
  const started = createStarted();
  try {
    return await start(started, policy, env);
  } catch (error) {
    await started[Symbol.asyncDispose]();
    throw error;
  }
}

async function start(started: Started, policy: string, env: Readonly<Record<string, string>>): Promise<Site> {
  const folder = started.use(await temporaryFolder());
  const write = async (name: string, text: string) => {
    const path = join(folder.path, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, text, { mode: 0o644 });
    return path;
  };
  const authority = started.use(await createTestAuthority());
  const core = started.use(await startTestCore());
  const { results } = await core.call<{ results: { pk: number }[] }>('GET', '/providers/radius/');
  await core.call('PATCH', `/providers/radius/${results[0]?.pk}/`, { wifi_secrets: true, local_certificates: true });
  const users = await core.call<{ results: { pk: number }[] }>('GET', '/core/users/?username=ada');
  await core.call('POST', '/core/tokens/', {
    identifier: 'ada-phone',
    intent: 'wifi_secret',
    user: users.results[0]?.pk,
  });
  const { key: wifiSecret } = await core.call<{ key: string }>('GET', '/core/tokens/ada-phone/view_key/');
  const server = await authority.issue('radius.example.test', {
    purpose: 'server',
    names: 'DNS:localhost,IP:127.0.0.1',
  });
  const ca = await write('ca.pem', authority.caPem);
  const certificate = await write('server.pem', server.certPem);
  const key = await write('server.key', server.keyPem);
  const settings = {
    AUTHENTIK_HOST: core.url,
    AUTHENTIK_TOKEN: await core.outpostToken('radius'),
    AUTHENTIK_RADIUS__EAP_CERTIFICATE: certificate,
    AUTHENTIK_RADIUS__EAP_KEY: key,
    AUTHENTIK_RADIUS__EAP_CLIENT_CA: ca,
    AUTHENTIK_RADIUS__RADSEC_CERTIFICATE: certificate,
    AUTHENTIK_RADIUS__RADSEC_KEY: key,
    AUTHENTIK_RADIUS__RADSEC_CA: ca,
    AUTHENTIK_RADIUS__RADSEC_PEERS: '*=network',
    AUTHENTIK_RADIUS__POLICY_FILE: await write('policy.yaml', policy),
    ...env,
  };
  const radius = started.use(await startDaemon('radius', { env: settings }));
  await until(() => radius.lines.some(({ event }) => event === 'Update providers'));
  return {
    core,
    radius,
    authority,
    env: settings,
    wifiSecret,
    folder: folder.path,
    write,
    accounting: async () =>
      (
        await core.call<{ results: { context: Record<string, unknown> }[] }>('GET', '/events/events/?page_size=100')
      ).results.filter(({ context }) => context['kind'] === 'radius_accounting'),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}

export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** Everything it has printed. */
  output(): string;
  /** Resolves once its output matches. @throws when it ends before, or after a quarter of a minute */
  printed(pattern: RegExp): Promise<void>;
}

/** A foreign program that runs until the scope is left. */
export function startProgram(file: string, args: readonly string[], cwd: string): Program {
  const child: ChildProcess = spawn(file, [...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    async printed(pattern) {
      await until(() => {
        if (pattern.test(output)) return true;
        if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}: ${output.slice(-2000)}`);
        return false;
      }, 15_000).catch((cause: unknown) => {
        throw new Error(`${file} has not printed ${String(pattern)}: ${output.slice(-3000)}`, { cause });
      });
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await ended;
      clearTimeout(late);
    },
  };
}
