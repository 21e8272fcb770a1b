// The token endpoint against oidc-provider by itself: client credentials, one signed JWT access token each, by keys of one
// kind and size (RSA of 4096 bits as the core makes them, or P-256). Ours
// keeps every token in PostgreSQL and asks the application's policies; the reference keeps them in memory. Rounds are
// interleaved; processor time is that of the node process alone.
// Run: npx tsc -b && npx tsx --conditions source test/bench/core/tokens.ts [seconds] [ecdsa|rsa]; prints one JSON document.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { rounded, startSubject } from './subject.ts';

const seconds = Number(process.argv[2] ?? 5);
const rounds = 3;
const connections = 16;
const alg = process.argv[3] ?? 'ecdsa';
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']).toString());

interface Contender {
  readonly name: string;
  readonly pid: number;
  readonly origin: string;
  readonly path: string;
  readonly form: string;
}

await using core = await startSubject();
const ours = await ourClient();
const reference = await startReference();
const samples = new Map<string, { perSecond: number; cpuMicros: number }[]>();
for (let round = 0; round < rounds; round += 1)
  for (const contender of [ours, reference.contender])
    samples.set(contender.name, [...(samples.get(contender.name) ?? []), await measure(contender)]);
reference.stop();

const best = (name: string, of: 'perSecond' | 'cpuMicros') => {
  const values = (samples.get(name) ?? []).map((sample) => sample[of]).sort((one, other) => one - other);
  return values[Math.floor(values.length / 2)] ?? Number.NaN;
};
process.stdout.write(
  `${JSON.stringify(
    {
      date: new Date().toISOString(),
      machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
      what: `client credentials, ${alg}; aim: ratio >= 0.8`,
      samples: Object.fromEntries(samples),
      ratio: rounded(best(ours.name, 'perSecond') / best(reference.contender.name, 'perSecond')),
      ratio_of_processor_time: rounded(best(reference.contender.name, 'cpuMicros') / best(ours.name, 'cpuMicros')),
    },
    null,
    2,
  )}\n`,
);

async function measure({ pid, origin, path, form }: Contender) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const before = await cpuTicks(pid);
  const end = performance.now() + seconds * 1000;
  let count = 0;
  const started = performance.now();
  const ask = async () => {
    while (performance.now() < end) {
      await post(agent, origin + path, form);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, ask));
  const took = (performance.now() - started) / 1000;
  const spent = ((await cpuTicks(pid)) - before) / ticksPerSecond;
  agent.destroy();
  return { perSecond: Math.round(count / took), cpuMicros: Math.round((spent / count) * 1e6) };
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

async function cpuTicks(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

async function ourClient(): Promise<Contender> {
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  const pair = await core.call<{ pk: string }>('POST', '/crypto/certificatekeypairs/generate/', {
    common_name: 'bench',
    validity_days: 30,
    alg,
  });
  const provider = await core.call<{ pk: number; client_id: string; client_secret: string }>(
    'POST',
    '/providers/oauth2/',
    {
      name: 'bench',
      authorization_flow: await flow('default-provider-authorization-implicit-consent'),
      invalidation_flow: await flow('default-provider-invalidation-flow'),
      signing_key: pair.pk,
    },
  );
  await core.call('POST', '/core/applications/', { name: 'bench', slug: 'bench', provider: provider.pk });
  const { client_id, client_secret } = provider;
  return {
    name: 'gatehouse',
    pid: core.daemon.pid ?? 0,
    origin: core.url.slice(0, -1),
    path: '/application/o/token/',
    form: new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret }).toString(),
  };
}

async function startReference() {
  const file = new URL('bare-oidc-provider.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', file, alg], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [port] = await once(createInterface({ input: child.stdout }), 'line');
  const contender: Contender = {
    name: 'oidc-provider',
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
