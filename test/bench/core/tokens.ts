// The token endpoint against oidc-provider: client credentials, one signed JWT access token each, by keys of one kind and size
// (RSA of 4096 bits as the core makes them, or P-256), each behind node:http in one process. There are two references. The
// bare one has its client in its configuration and keeps nothing. The other one works as oidc-provider does in production,
// where its store in memory is "for development only": on the PostgreSQL of our core it reads its client and keeps its tokens
// (bare-oidc-provider.ts). Neither reads an account, asks whether it may use the application, or writes an event, as ours
// does. Rounds are interleaved; processor time is that of the node process alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { percentile, processorMs, rounded, type Subject, startSubject } from './subject.ts';

const roundMs = 2_500;
const warmMs = 2_000;
const rounds = 3;
const connections = 16;

export interface Contender {
  readonly pid: number;
  readonly origin: string;
  readonly path: string;
  /** Posted; without one it is asked by GET. */
  readonly form?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function measureTokens() {
  await using core = await startSubject();
  return { ecdsa_p256: await compare(core, 'ecdsa'), rsa_4096: await compare(core, 'rsa') };
}

async function compare(core: Subject, alg: 'ecdsa' | 'rsa') {
  const references = { bare: await startReference(alg), stored: await startReference(alg, core.postgres) };
  const contenders: Readonly<Record<Name, Contender>> = {
    ours: await ourClient(core, alg),
    bare: references.bare.contender,
    stored: references.stored.contender,
  };
  const names = ['bare', 'stored', 'ours'] as const;
  const found: Record<Name, Sample[]> = { ours: [], bare: [], stored: [] };
  for (const name of names) await measure(contenders[name], warmMs);
  for (let round = 0; round < rounds; round += 1)
    for (const name of names) found[name].push(await measure(contenders[name], roundMs));
  for (const { stop } of Object.values(references)) stop();
  return {
    ours: summary(found.ours),
    bare_oidc_provider: against(found.bare, found.ours),
    oidc_provider_on_postgresql: against(found.stored, found.ours),
  };
}

type Name = 'ours' | 'bare' | 'stored';
export interface Sample {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

export function summary(samples: readonly Sample[]) {
  const median = (of: keyof Sample) =>
    percentile(
      samples.map((sample) => sample[of]),
      0.5,
    );
  return { tokens_per_s: median('perSecond'), processor_us: median('cpuMicros') };
}

/** @returns the reference and how ours compares: above 1 where ours is better */
function against(reference: readonly Sample[], ours: readonly Sample[]) {
  const [its, own] = [summary(reference), summary(ours)];
  return {
    ...its,
    ratio: rounded(own.tokens_per_s / its.tokens_per_s),
    ratio_of_processor_time: rounded(its.processor_us / own.processor_us),
  };
}

export async function measure({ pid, origin, path, form, headers = {} }: Contender, forMs: number): Promise<Sample> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const before = await processorMs(pid);
  const startedMs = performance.now();
  let count = 0;
  const ask = async () => {
    while (performance.now() < startedMs + forMs) {
      await send(agent, origin + path, headers, form);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, ask));
  const tookMs = performance.now() - startedMs;
  const spentMs = (await processorMs(pid)) - before;
  agent.destroy();
  return { perSecond: Math.round((count * 1000) / tookMs), cpuMicros: Math.round((spentMs * 1000) / count) };
}

function send(agent: Agent, url: string, given: Contender['headers'], form?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const posted = form === undefined ? {} : { 'content-length': form.length };
    const headers = { ...given, ...posted, 'content-type': 'application/x-www-form-urlencoded' };
    const sent = request(url, { agent, method: form === undefined ? 'GET' : 'POST', headers }, (response) => {
      response.resume();
      if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}`));
      response.on('end', resolve);
    });
    sent.on('error', reject);
    sent.end(form);
  });
}

async function ourClient(core: Subject, alg: string): Promise<Contender> {
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  const pair = await core.call<{ pk: string }>('POST', '/crypto/certificatekeypairs/generate/', {
    common_name: `bench ${alg}`,
    validity_days: 30,
    alg,
  });
  const provider = await core.call<{ pk: number; client_id: string; client_secret: string }>(
    'POST',
    '/providers/oauth2/',
    {
      name: `bench ${alg}`,
      authorization_flow: await flow('default-provider-authorization-implicit-consent'),
      invalidation_flow: await flow('default-provider-invalidation-flow'),
      signing_key: pair.pk,
    },
  );
  await core.call('POST', '/core/applications/', { name: alg, slug: `bench-${alg}`, provider: provider.pk });
  const { client_id, client_secret } = provider;
  return {
    pid: core.daemon.pid ?? 0,
    origin: core.url.slice(0, -1),
    path: '/application/o/token/',
    form: new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret }).toString(),
  };
}

/** @param postgres settings of the database that it works on, if any */
async function startReference(alg: string, postgres?: object) {
  const settings = postgres === undefined ? [] : [JSON.stringify(postgres)];
  const file = new URL('bare-oidc-provider.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', file, alg, ...settings], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [port] = await once(createInterface({ input: child.stdout }), 'line');
  const contender: Contender = {
    pid: child.pid ?? 0,
    origin: `http://127.0.0.1:${port}`,
    path: '/token',
    form: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'bench',
      client_secret: 'secret',
    }).toString(),
  };
  return { contender, stop: () => child.kill() };
}
