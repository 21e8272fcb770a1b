// Every row of the proxy's figures in one run, each as a ratio to a measure of the same run: bare node:http that gives the
// same answer, a TCP relay in Node, Caddy. Rounds are interleaved; servers run on the first core, load and application on the
// second. Needs nginx, caddy and taskset. Run after a build:
//   node --expose-gc --import tsx --conditions source test/bench/proxy.ts [--seconds=3] [--rounds=5] [--gigabytes=10] [--save]
// Prints one JSON document; --save writes it to test/bench/results. Ten gigabytes each way take some minutes; 0.25 shows the
// same.
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { fakeIssuer, proxyBulk } from '@gatehouse/proxy/testing';
import { runTool } from '../harness/index.ts';
import { freePort } from '../interop/reverse-proxies/servers.ts';
import { measure } from './proxy/load.ts';
import { cpuMs, type Running, startBare, startCaddy, startNginx, startProxy, startRelay } from './proxy/servers.ts';
import { allowedFields, login } from './proxy/session.ts';
import { startBulkApplication, transfer } from './proxy/transfer.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    gigabytes: { type: 'string', default: '10' },
    save: { type: 'boolean', default: false },
  },
});
const [seconds, rounds, gigabytes] = [Number(values.seconds), Number(values.rounds), Number(values.gigabytes)];
const connections = 64;

const browserLines = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: de,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: same-origin',
];

await using folder = await temporaryFolder();
await using issuer = await fakeIssuer();
issuer.lifeS = 86_400;
const port = await freePort();
const host = `app.localhost:${port}`;
const nginx = await startNginx(folder.path);
const bulk = await startBulkApplication();
const provider = { mode: 'proxy', client_secret: issuer.row().client_secret } as const;
issuer.providers.push(
  issuer.row({ pk: 1, name: 'auth', mode: 'forward_single', external_host: `http://${host}` }),
  issuer.row({
    ...provider,
    pk: 2,
    name: 'proxied',
    client_id: 'second',
    external_host: 'http://proxied.localhost',
    internal_host: `http://127.0.0.1:${nginx.port}`,
  }),
  issuer.row({
    ...provider,
    pk: 3,
    name: 'bulk',
    client_id: 'third',
    external_host: 'http://bulk.localhost',
    internal_host: `http://127.0.0.1:${bulk.port}`,
  }),
);
const daemon = await startProxy({ folder: folder.path, issuer, port });
const session = await login(host, port);
const proxied = await login('proxied.localhost', port);
const forwarded = { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': host, 'X-Forwarded-Uri': '/some/page?x=1' };
const bareAuth = await startBare(0, await allowedFields(`http://${host}`, { Cookie: session, ...forwarded }));
const bareSmall = await startBare(1_024, []);
const relay = await startRelay(nginx.port);
const caddy = await startCaddy(folder.path, nginx.port);
await pinned(0, [daemon, bareAuth, bareSmall, relay, caddy]);
await pinned(1, [nginx, { pid: process.pid }]);

const head = (target: string, lines: readonly string[]) =>
  `GET ${target} HTTP/1.1\r\n${[...lines, ...browserLines].join('\r\n')}\r\n\r\n`;
const forwardedLines = Object.entries(forwarded).map(([name, value]) => `${name}: ${value}`);
const cookies = `Cookie: theme=dark; lang=de; ${session}; tracking=none`;
const auth = head('/outpost.goauthentik.io/auth/traefik', [`Host: ${host}`, cookies, ...forwardedLines]);
const page = (path: string, name = 'proxied.localhost') =>
  head(path, [`Host: ${name}`, `Cookie: theme=dark; ${proxied}`]);

interface Sample {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly cpuUs: number;
  readonly failed: number;
}
const samples = new Map<string, Sample[]>();
for (let round = 0; round < rounds; round++) {
  await sample('bare: the answer of forward-auth', bareAuth, auth);
  await sample('forward-auth', daemon, auth);
  await sample('bare: 1 KB', bareSmall, page('/small'));
  await sample('proxied 1 KB', daemon, page('/small'));
  await sample('caddy: 1 KB', caddy, page('/small', `proxied.localhost:${caddy.port}`));
  await sample('relay: 1 MB', relay, page('/large'), 16);
  await sample('proxied 1 MB', daemon, page('/large'), 16);
}
await pinned('0,1', [daemon, nginx, { pid: process.pid }]);
const headers = { Host: 'bulk.localhost', Cookie: await login('bulk.localhost', port) };
const up = await transfer('up', { port, pid: daemon.pid, headers, gigabytes });
const down = await transfer('down', { port, pid: daemon.pid, headers, gigabytes });
const workers = await workersRow();
for (const server of [daemon, bareAuth, bareSmall, relay, caddy, nginx]) await server.stop();
bulk.server.close();
const results = {
  date: new Date().toISOString(),
  machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  versions: { node: process.version, nginx: version('nginx', '-v'), caddy: version('caddy', 'version') },
  command: `test/bench/proxy.ts --seconds=${seconds} --rounds=${rounds} --gigabytes=${gigabytes}`,
  ratios: {
    'forward-auth / bare': ratio('forward-auth', 'bare: the answer of forward-auth'),
    'forward-auth / bare, CPU': cpuRatio('forward-auth', 'bare: the answer of forward-auth'),
    'proxied 1 KB / bare': ratio('proxied 1 KB', 'bare: 1 KB'),
    'proxied 1 KB / bare, CPU': cpuRatio('proxied 1 KB', 'bare: 1 KB'),
    'proxied 1 KB / caddy': ratio('proxied 1 KB', 'caddy: 1 KB'),
    'proxied 1 MB / relay': ratio('proxied 1 MB', 'relay: 1 MB'),
    'two workers / one': Number((workers.two.perSecond / workers.one.perSecond).toFixed(2)),
  },
  median: Object.fromEntries([...samples.keys()].map((name) => [name, median(name)])),
  workers,
  memory: { up, down },
  bulk: await proxyBulk({ providers: 5_000, sessions: 50_000 }),
};
const text = `${JSON.stringify(results, undefined, 2)}\n`;
process.stdout.write(text);
if (values.save) {
  const name = `proxy-${results.date.slice(0, 10)}.json`;
  await writeFile(join(import.meta.dirname, 'results', name), text);
}
process.exit(0);

async function sample(name: string, server: Running, request: string, count = connections): Promise<void> {
  const measured = await once(server, request, count);
  samples.set(name, [...(samples.get(name) ?? []), measured]);
}

async function once(server: Running, request: string, count = connections): Promise<Sample> {
  const before = cpuMs(server.pid);
  const { perSecond, p99Ms, failed } = await measure({ port: server.port, request, connections: count, seconds });
  const cpuUs = Number((((cpuMs(server.pid) - before) * 1_000) / (perSecond * seconds)).toFixed(1));
  return { perSecond, p99Ms, failed, cpuUs };
}

/** Two workers against one on the same two cores, nothing pinned: load and application want their share as well. */
async function workersRow() {
  const best = { one: [] as Sample[], two: [] as Sample[] };
  for (const [name, count] of [
    ['one', '1'],
    ['two', '2'],
  ] as const) {
    const own = await freePort();
    const server = await startProxy({
      folder: folder.path,
      issuer,
      port: own,
      env: { AKPROXY_WORKERS: count, AKPROXY_SESSION__PATH: join(folder.path, `sessions-${name}`) },
    });
    const cookie = await login('proxied.localhost', own);
    const request = head('/small', ['Host: proxied.localhost', `Cookie: ${cookie}`]);
    for (let round = 0; round < rounds; round++) best[name].push(await once(server, request));
    await server.stop();
  }
  return { one: middle(best.one), two: middle(best.two) };
}

function middle(given: readonly Sample[]): Sample {
  const sorted = given.toSorted((one, other) => one.perSecond - other.perSecond);
  return sorted[Math.floor(sorted.length / 2)] ?? { perSecond: 0, p99Ms: 0, cpuUs: 0, failed: 0 };
}

function median(name: string): Sample {
  return middle(samples.get(name) ?? []);
}

function ratio(name: string, base: string): number {
  return Number((median(name).perSecond / median(base).perSecond).toFixed(2));
}

/** CPU time per answer, the measure's over ours: it says the same on a busy machine. */
function cpuRatio(name: string, base: string): number {
  const least = (of: string) => Math.min(...(samples.get(of) ?? []).map(({ cpuUs }) => cpuUs));
  return Number((least(base) / least(name)).toFixed(2));
}

async function pinned(core: number | string, servers: readonly { readonly pid: number }[]): Promise<void> {
  for (const { pid } of servers) await runTool('taskset', ['-a', '-cp', String(core), String(pid)]);
}

function version(tool: string, flag: string): string {
  return execFileSync('sh', ['-c', `${tool} ${flag} 2>&1`], { encoding: 'utf8' }).trim();
}
