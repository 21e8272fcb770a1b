// The router against nginx and bare node:http: assets of 16 KiB and 1 MiB, and requests passed to a core. Rounds are
// interleaved on one machine, so that the ratios mean something where the rates do not. Needs `wrk` and `nginx`.
// Run: npx tsc -b && npx tsx --conditions source test/bench/router.ts [seconds]; prints one JSON document.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type RunningDaemon, startDaemon } from '../harness/daemon.ts';

const seconds = Number(process.argv[2] ?? 4);
const rounds = 3;
const connections = 64;
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']).toString());
const run = promisify((await import('node:child_process')).execFile);

interface Contender {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
}

interface Sample {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

const folder = execFileSync('mktemp', ['-d']).toString().trim();
const files = { 'small.bin': 16_384, 'large.bin': 1_048_576 };
await mkdir(join(folder, 'static/dist'), { recursive: true });
for (const [name, bytes] of Object.entries(files))
  await writeFile(join(folder, 'static/dist', name), Buffer.alloc(bytes, 7));

const core = createServer({ maxHeaderSize: 262_144 }, (_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 1024 }).end(body);
});
const body = Buffer.alloc(1024, 7);
await once(core.listen(0, '127.0.0.1'), 'listening');
const corePort = portOf(core.address());

const nginx = await startNginx();
const bare = await startBare();
const router = await startDaemon('router', {
  env: {
    AUTHENTIK_CORE__URL: `http://127.0.0.1:${corePort}`,
    AUTHENTIK_WEB__ASSETS_DIST: join(folder, 'static/dist'),
    WORKSPACE_DIR: folder,
  },
});
await untilHealthy(router);
// nginx writes no access lines here, so neither do we; a daemon says "ready" at level info, hence the change afterwards.
await writeFile(join(folder, 'local.yml'), 'log_level: warning');
process.kill(router.pid ?? 0, 'SIGHUP');
await new Promise((resolve) => setTimeout(resolve, 300));

const routed: Contender = {
  name: 'router',
  url: `http://127.0.0.1:${router.bound('http').port}`,
  pid: router.pid ?? 0,
};
const scenarios = [
  { name: 'static 16 KiB', path: '/static/dist/small.bin', contenders: [routed, nginx, bare] },
  { name: 'static 1 MiB', path: '/static/dist/large.bin', contenders: [routed, nginx, bare] },
  { name: 'to the core, 1 KiB', path: '/if/user/', contenders: [routed, nginx] },
];

const results: Record<string, Record<string, Sample & { readonly ofNginx: number }>> = {};
for (const { name, path, contenders } of scenarios) {
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      samples.set(contender.name, [...(samples.get(contender.name) ?? []), await measure(contender, path)]);
    }
  }
  const median = (of: string) => middle(samples.get(of) ?? []);
  results[name] = Object.fromEntries(
    contenders.map((one) => {
      const ofNginx = Math.round((median(one.name).perSecond / median('nginx').perSecond) * 100) / 100;
      return [one.name, { ...median(one.name), ofNginx }];
    }),
  );
}
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD']).toString().trim();
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, commit };
console.log(
  JSON.stringify({ ...machine, at: new Date().toISOString(), seconds, rounds, connections, results }, null, 2),
);
await router.stop();
process.kill(nginx.pid);
process.kill(bare.pid);
process.exit(0);

async function measure({ url, pid }: Contender, path: string): Promise<Sample> {
  const before = await cpuTicks(pid);
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, `${url}${path}`]);
  const spent = (await cpuTicks(pid)) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (/Non-2xx/.test(stdout) || !(requests > 0)) throw new Error(`${url}${path} did not answer: ${stdout}`);
  const perSecond = Math.round(Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]));
  return { perSecond, cpuMicros: Math.round((spent / ticksPerSecond / requests) * 1e7) / 10 };
}

/** User and system time of a process in clock ticks (proc(5)). */
async function cpuTicks(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function middle(samples: readonly Sample[]): Sample {
  return (
    samples.toSorted((one, other) => one.perSecond - other.perSecond)[samples.length >> 1] ?? {
      perSecond: 0,
      cpuMicros: 0,
    }
  );
}

async function startNginx(): Promise<Contender> {
  const port = await freePort();
  const settings = `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi; open_file_cache max=100;
  upstream core { server 127.0.0.1:${corePort}; keepalive 64; }
  server { listen 127.0.0.1:${port}; root ${folder};
    location / { proxy_pass http://core; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; }
    location /static/ { } } }`;
  await writeFile(join(folder, 'nginx.conf'), settings);
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf')], { stdio: 'inherit' });
  const url = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(url).then(
      () => true,
      () => false,
    ))
  );
  return { name: 'nginx', url, pid: child.pid ?? 0 };
}

/** The least that Node can do: a table of buffers and node:http, nothing else. */
async function startBare(): Promise<Contender> {
  const script = `const { createServer } = require('node:http'); const { readFileSync } = require('node:fs');
const table = new Map(['small.bin', 'large.bin'].map((name) => ['/static/dist/' + name, readFileSync('${folder}/static/dist/' + name)]));
const server = createServer((request, response) => { const body = table.get(request.url);
  response.writeHead(200, ['Content-Type', 'application/octet-stream', 'Content-Length', String(body.length)]).end(body); });
server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { name: 'node:http', url: `http://127.0.0.1:${String(line).trim()}`, pid: child.pid ?? 0 };
}

async function untilHealthy(daemon: RunningDaemon): Promise<void> {
  const url = `http://127.0.0.1:${daemon.bound('http').port}/-/health/live/`;
  while ((await fetch(url)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function freePort(): Promise<number> {
  const probe = createTcpServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const port = portOf(probe.address());
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}
