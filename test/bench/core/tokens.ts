// The token endpoint against oidc-provider by itself: client credentials, one signed JWT access token each, by keys of one
// kind and size (RSA of 4096 bits as the core makes them, or P-256), both behind node:http in one process. What the
// reference does not do: it keeps no token (its JWT access tokens are not stored at all), asks nobody whether the account
// may use the application, and writes no event. Ours answers when token and event are on the disk. Rounds are interleaved;
// processor time is that of the node process alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { percentile, processorMs, rounded, type Subject, startSubject } from './subject.ts';

const roundMs = 3_000;
const warmMs = 2_000;
const rounds = 3;
const connections = 16;

interface Contender {
  readonly pid: number;
  readonly origin: string;
  readonly path: string;
  readonly form: string;
}

export async function measureTokens() {
  await using core = await startSubject();
  return { ecdsa_p256: await compare(core, 'ecdsa'), rsa_4096: await compare(core, 'rsa') };
}

async function compare(core: Subject, alg: 'ecdsa' | 'rsa') {
  const ours = await ourClient(core, alg);
  const reference = await startReference(alg);
  for (const contender of [ours, reference.contender]) await measure(contender, warmMs);
  const found: Record<'ours' | 'reference', { perSecond: number; cpuMicros: number }[]> = { ours: [], reference: [] };
  for (let round = 0; round < rounds; round += 1) {
    found.reference.push(await measure(reference.contender, roundMs));
    found.ours.push(await measure(ours, roundMs));
  }
  reference.stop();
  const median = (name: keyof typeof found, of: 'perSecond' | 'cpuMicros') =>
    percentile(
      found[name].map((sample) => sample[of]),
      0.5,
    );
  return {
    tokens_per_s: median('ours', 'perSecond'),
    oidc_provider_per_s: median('reference', 'perSecond'),
    ratio: rounded(median('ours', 'perSecond') / median('reference', 'perSecond')),
    processor_us: median('ours', 'cpuMicros'),
    oidc_provider_processor_us: median('reference', 'cpuMicros'),
    ratio_of_processor_time: rounded(median('reference', 'cpuMicros') / median('ours', 'cpuMicros')),
  };
}

async function measure({ pid, origin, path, form }: Contender, forMs: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const before = await processorMs(pid);
  const startedMs = performance.now();
  let count = 0;
  const ask = async () => {
    while (performance.now() < startedMs + forMs) {
      await post(agent, origin + path, form);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, ask));
  const tookMs = performance.now() - startedMs;
  const spentMs = (await processorMs(pid)) - before;
  agent.destroy();
  return { perSecond: Math.round((count * 1000) / tookMs), cpuMicros: Math.round((spentMs * 1000) / count) };
}

function post(agent: Agent, url: string, form: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': form.length };
    const sent = request(url, { agent, method: 'POST', headers }, (response) => {
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

async function startReference(alg: string) {
  const file = new URL('bare-oidc-provider.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', file, alg], { stdio: ['ignore', 'pipe', 'ignore'] });
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
