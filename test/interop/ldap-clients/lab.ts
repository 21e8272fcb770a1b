// What every recipe of ldap/docs/clients runs against: the directory of the conformance fixture behind a certificate for
// `localhost`, and the example values of the recipes replaced by its own.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type Authority, createAuthority } from '../../conformance/ldap/certificates.ts';
import { type LdapFixture, startLdapFixture } from '../../conformance/ldap/fixture.ts';
import { runTool, type ToolResult, until } from '../../harness/index.ts';
import { type Recipe, readRecipe } from './recipe.ts';

/** Passwords that the recipes write. */
export const servicePassword = 'service-secret-of-svc';
export const userPassword = 'user-secret-of-jdoe';

export interface Lab extends AsyncDisposable {
  readonly fixture: LdapFixture;
  readonly authority: Authority;
  /** A recipe with our own addresses in it. */
  recipe(name: string): Recipe;
}

/** The lab for all tests of the file that calls this: there before the first, gone behind the last. */
export function labForTests(env: Readonly<Record<string, string>> = {}): Lab {
  const lab: Partial<Lab> = {};
  beforeAll(async () => {
    Object.assign(lab, await startLab(env));
  }, 120_000);
  afterAll(() => lab[Symbol.asyncDispose]?.());
  return lab as Lab; // whole before any test runs
}

async function startLab(env: Readonly<Record<string, string>>): Promise<Lab> {
  const authority = await createAuthority();
  const fixture = await startLdapFixture(env);
  const { core } = fixture;
  await core.call('POST', `/core/users/${fixture.pks.get('svc')}/set_password/`, { password: servicePassword });
  await core.call('POST', `/core/users/${fixture.pks.get('jdoe')}/set_password/`, { password: userPassword });
  const { cert, key } = await authority.issue('localhost', 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  const pair = { name: 'lab', certificate_data: cert, key_data: key };
  const { pk } = await core.call<{ pk: string }>('POST', '/crypto/certificatekeypairs/', pair);
  const { results } = await core.call<{ results: { pk: number }[] }>('GET', '/providers/ldap/');
  for (const provider of results) await core.call('PATCH', `/providers/ldap/${provider.pk}/`, { certificate: pk });
  await fixture.refresh();
  const secure = new URL(fixture.secureUrl).port;
  const values: readonly (readonly [string, string])[] = [
    ['ldaps://ldap.example.com', `ldaps://127.0.0.1:${secure}`],
    ['ldap://ldap.example.com', `ldap://127.0.0.1:${fixture.port}`],
    ['/etc/ssl/certs/example-ca.pem', authority.file],
  ];
  return {
    fixture,
    authority,
    recipe: (name) => readRecipe(name, values),
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]();
      await authority[Symbol.asyncDispose]();
    },
  };
}

/** A folder of a client's own, with files in it; gone with the scope. */
export interface Workbench extends AsyncDisposable {
  readonly path: string;
  at(name: string): string;
  write(name: string, content: string, mode?: number): Promise<string>;
}

export async function createWorkbench(): Promise<Workbench> {
  const path = await mkdtemp(join(tmpdir(), 'client-'));
  return {
    path,
    at: (name) => join(path, name),
    async write(name, content, mode = 0o644) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content, { mode });
      return file;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** One shell script to its end. */
export function runScript(script: string, env: NodeJS.ProcessEnv = {}): Promise<ToolResult> {
  return runTool('bash', ['-euo', 'pipefail', '-c', script], '', { ...process.env, ...env });
}

export interface Server extends AsyncDisposable {
  readonly output: () => string;
}

/** A foreign server in the foreground, until the scope ends. @param ready asked until it does not throw */
export async function startServer(
  command: readonly string[],
  ready: () => Promise<unknown>,
  env: NodeJS.ProcessEnv = {},
): Promise<Server> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()).on('error', () => resolve()));
  const server = {
    output: () => output,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      const cut = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(cut);
    },
  };
  await until(() => ready().then(() => true), 30_000).catch(async (error: unknown) => {
    await server[Symbol.asyncDispose]();
    throw new Error(`${file} did not come up: ${String(error)}\n${output.slice(-3_000)}`);
  });
  return server;
}
