// The router as a process: router.md §19, the cases that need signals, files, a child process or the command.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { formatAddress } from '@gatehouse/daemon/config';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { commandFile, startDaemon } from '../harness/daemon.ts';

/** In the place of the core: says where it listens, and does as its environment and the request say. */
const coreScript = `
const { createServer } = require('node:http');
const line = (fields) => process.stdout.write(JSON.stringify({ level: 'info', logger: 'core', ...fields }) + '\\n');
let brandReads = 0;
const server = createServer({ keepAliveTimeout: 60000 }, (request, response) => {
  const path = request.url.split('?')[0];
  if (path === '/-/health/live/') return response.writeHead(200).end();
  if (path === '/-/health/ready/') return response.writeHead(process.env.CORE_NOT_READY ? 503 : 200).end();
  if (path === '/api/v3/core/brands/') {
    brandReads += 1;
    response.setHeader('Content-Type', 'application/json');
    return response.end(JSON.stringify({ pagination: { next: 0, count: 0 }, results: [] }));
  }
  if (path === '/pid') return response.end(JSON.stringify({ pid: process.pid, brandReads }));
  if (path === '/slow') return setTimeout(() => response.end('complete'), 1000);
  if (path === '/end') return response.end('ending', () => process.exit(0));
  response.end('core');
});
const metrics = createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain; version=0.0.4');
  response.end('# HELP core_things Things.\\n# TYPE core_things counter\\ncore_things 7\\n# EOF\\n');
});
metrics.listen(0, '127.0.0.1', () => line({ event: 'listening', component: 'metrics', addr: '127.0.0.1:' + metrics.address().port }));
server.listen(0, '127.0.0.1', () => {
  line({ event: 'listening', component: 'http', addr: '127.0.0.1:' + server.address().port });
  line({ event: 'ready' });
});
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
`;

async function startRouter(env: Readonly<Record<string, string>> = {}) {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const script = join(folder.path, 'core.cjs');
  const tmp = join(folder.path, 'tmp');
  await writeFile(script, coreScript);
  await mkdir(tmp);
  const router = await startDaemon('router', {
    env: { TMPDIR: tmp, AUTHENTIK_CORE__SCRIPT: script, AUTHENTIK_SECRET_KEY: 'x'.repeat(40), ...env },
  });
  onTestFinished(async () => void (await router.stop()));
  const url = (component: string) => `http://${formatAddress(router.bound(component))}`;
  const ask = (path: string) => fetch(`${url('http')}${path}`);
  const core = async () => {
    const told: unknown = JSON.parse(await (await ask('/pid')).text());
    const numbers = new Map(Object.entries(told ?? {}).map(([name, value]) => [name, Number(value)]));
    return { pid: numbers.get('pid') ?? 0, brandReads: numbers.get('brandReads') ?? 0 };
  };
  return { ...router, router, tmp, url, ask, core };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

type Started = Awaited<ReturnType<typeof startRouter>>;
const healthy = (site: Started) => until(async () => (await site.ask('/-/health/live/')).status === 200);

test('router R1: it listens on the unix socket as well, where local callers are trusted', async () => {
  const site = await startRouter();
  await healthy(site);
  const socket = connect(join(site.tmp, 'authentik.sock'));
  onTestFinished(() => void socket.destroy());
  socket.write('GET /-/health/live/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  const [chunk] = await once(socket, 'data');
  expect(String(chunk)).toMatch(/^HTTP\/1\.1 200 /);
});

test('router R2: exactly the addresses of the setting are bound', async () => {
  const site = await startRouter({ AUTHENTIK_LISTEN__HTTP: '127.0.0.1:0,127.0.0.2:0' });
  const bound = site.lines.filter(({ event, component }) => event === 'listening' && component === 'http');
  expect(bound.map((line) => String(line['addr']).split(':')[0])).toEqual(['127.0.0.1', '127.0.0.2']);
});

test('router R9: readiness is what the core says of its database', async () => {
  const ready = await startRouter();
  await healthy(ready);
  expect((await ready.ask('/-/health/ready/')).status).toBe(200);
  const other = await startRouter({ CORE_NOT_READY: '1' });
  await healthy(other);
  expect((await other.ask('/-/health/ready/')).status).toBe(503);
});

test('router R10, R11: the metrics are one text document, the core behind the router', async () => {
  const site = await startRouter();
  await healthy(site);
  expect((await site.ask('/-/metrics/')).status).toBe(404);
  await (await site.ask('/x')).text();
  const binary = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
  const answer = await fetch(`${site.url('metrics')}/metrics`, { headers: { accept: binary } });
  const text = await answer.text();
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
  expect(text).toContain('authentik_main_request_duration_seconds_count{dest="core"}');
  expect(text).toContain('core_things 7');
  expect(text).toContain('authentik_core_up 1');
  expect(text).not.toContain('# EOF');
});

test('router R49: kills give growing delays and the starting answer, and one watcher at the end', async () => {
  const site = await startRouter();
  const delays: number[] = [];
  for (let turn = 0; turn < 3; turn++) {
    await healthy(site);
    const { pid } = await site.core();
    process.kill(pid, 'SIGKILL');
    await until(async () => (await site.ask('/x')).status === 503);
    await until(() => site.lines.filter(({ event }) => event === 'core is started again').length > turn);
    delays.push(Number(site.lines.filter(({ event }) => event === 'core is started again')[turn]?.['wait_ms']));
  }
  await healthy(site);
  expect(delays.toSorted((one, other) => one - other)).toEqual(delays);
  expect((await site.core()).brandReads).toBe(1);
});

test('router R50: a core that ends with status 0 is started again', async () => {
  const site = await startRouter();
  await healthy(site);
  const before = await site.core();
  await (await site.ask('/end')).text();
  await until(async () => {
    const answer = await site.ask('/x');
    return (await answer.text()) === 'core' && (await site.core()).pid !== before.pid;
  });
});

test('router R51: SIGTERM lets a running request complete, refuses new ones, exits 0 and leaves nothing', async () => {
  const site = await startRouter();
  await healthy(site);
  const { pid } = await site.core();
  const slow = site.ask('/slow');
  await until(async () => {
    const text = await (await fetch(`${site.url('metrics')}/metrics`)).text();
    return text.includes('authentik_main_requests_in_flight 1');
  });
  const stopped = site.stop();
  await until(() =>
    site.ask('/x').then(
      () => false,
      () => true,
    ),
  );
  expect(await (await slow).text()).toBe('complete');
  expect((await stopped).code).toBe(0);
  // Sessions of applications outlive a restart; sockets, keys and PID files do not.
  expect(await readdir(site.tmp)).toEqual(['gatehouse-embedded-sessions']);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

test('router R52: SIGHUP under load loses no request, and the new settings are in force', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const settings = join(folder.path, 'local.yml');
  await writeFile(settings, 'web: { security_contact: "mailto:first@example.org" }');
  const site = await startRouter({ WORKSPACE_DIR: folder.path });
  await healthy(site);
  const contact = async () => (await (await site.ask('/.well-known/security.txt')).text()).split('\n')[0];
  expect(await contact()).toBe('Contact: mailto:first@example.org');
  const statuses: number[] = [];
  let going = true;
  const load = Array.from({ length: 8 }, async () => {
    while (going || statuses.length < 100) statuses.push((await site.ask('/x')).status);
  });
  for (const text of ['web: { security_contact: "mailto:second@example.org" }', 'log_level: nonsense']) {
    await writeFile(settings, text);
    const before = site.lines.length;
    process.kill(site.pid ?? 0, 'SIGHUP');
    await until(() => site.lines.slice(before).some(({ event }) => /settings read again|cannot go on/.test(event)));
  }
  going = false;
  await Promise.all(load);
  expect(await contact()).toBe('Contact: mailto:second@example.org');
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
});

test('router §17: SIGUSR1 and SIGUSR2 end nothing, open no debugger, and are answered in the log', async () => {
  const site = await startRouter();
  await healthy(site);
  const told = (event: string) => until(() => site.lines.some((line) => line.event === event));
  process.kill(site.pid ?? 0, 'SIGUSR1');
  await told('nothing to reopen');
  process.kill(site.pid ?? 0, 'SIGUSR2');
  await told('not replaced');
  expect((await site.ask('/x')).status).toBe(200);
  expect((await site.stop()).code).toBe(0);
  expect(JSON.stringify(site.lines)).not.toContain('Debugger');
});

test('router R53: the key between router and core is private, fresh and gone at the end', async () => {
  const keys = new Set<string>();
  for (let turn = 0; turn < 2; turn++) {
    const site = await startRouter();
    const file = join(site.tmp, 'authentik-core-ipc.key');
    const key = await readFile(file, 'utf8');
    expect([(await stat(file)).mode & 0o777, Buffer.from(key, 'base64').length]).toEqual([0o600, 64]);
    keys.add(key);
    await site.stop();
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
  }
  expect(keys.size).toBe(2);
});

test('router R56: the health check of the command is 0 with a live core and 1 with a dead one', async () => {
  const check = async (site: Started) => {
    const env = { PATH: process.env['PATH'], TMPDIR: site.tmp };
    const [code] = await once(spawn(process.execPath, [commandFile, 'router', 'healthcheck'], { env }), 'exit');
    return code;
  };
  const site = await startRouter();
  await healthy(site);
  expect(await check(site)).toBe(0);
  await site.stop();
  expect(await check(site)).toBe(1);
  expect(await check(await startRouter({ AUTHENTIK_CORE__URL: 'http://127.0.0.1:1' }))).toBe(1);
}, 60_000); // five starts of processes

describe('with the core of this build', () => {
  const flow = 'api/v3/flows/executor/default-authentication-flow/';

  /** Set-Cookie lines of an anonymous request, by cookie. */
  async function cookiesOf(site: Started, headers: Record<string, string> = {}) {
    const answer = await fetch(`${site.url('http')}/${flow}`, { headers });
    expect(answer.status).toBe(200);
    return new Map(answer.headers.getSetCookie().map((line) => [line.split('=')[0] ?? '', line]));
  }

  test('router R26, R58: the session cookie is Secure over TLS and Lax without', async () => {
    const site = await startRouter({ AUTHENTIK_CORE__SCRIPT: '' });
    await healthy(site);
    const plain = (await cookiesOf(site)).get('authentik_session') ?? '';
    expect(plain).toMatch(/SameSite=Lax/i);
    expect(plain).not.toMatch(/Secure/i);
    // Loopback is a trusted peer by default: what it says of TLS in front is believed.
    const secure = (await cookiesOf(site, { 'x-forwarded-proto': 'https' })).get('authentik_session') ?? '';
    expect(secure).toMatch(/SameSite=None/i);
    expect(secure).toMatch(/Secure/i);
  });
});
