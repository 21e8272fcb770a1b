// A router of several workers as a process: router.md §20.5, R52 and R8 for it.
import { readdir, stat } from 'node:fs/promises';
import { Agent, createServer, get as httpGet } from 'node:http';
import { join } from 'node:path';
import { formatAddress } from '@gatehouse/daemon/config';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, onTestFinished, test } from 'vitest';
import { startDaemon } from '../harness/daemon.ts';

async function startWorkers() {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const core = createServer((request, response) => {
    if (request.url?.startsWith('/api/v3/core/brands/')) {
      response.setHeader('Content-Type', 'application/json');
      return void response.end('{"pagination":{"next":0,"count":0},"results":[]}');
    }
    setTimeout(() => response.end('core'), request.url === '/slow' ? 300 : 0);
  });
  await new Promise<void>((listening) => core.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void core.close());
  const at = core.address();
  const router = await startDaemon('router', {
    env: {
      TMPDIR: folder.path,
      AUTHENTIK_WEB__WORKERS: '2',
      AUTHENTIK_CORE__URL: `http://127.0.0.1:${typeof at === 'object' ? at?.port : 0}`,
    },
  });
  onTestFinished(async () => void (await router.stop()));
  const url = `http://${formatAddress(router.bound('http'))}`;
  const healthy = async () => (await fetch(`${url}/-/health/live/`).catch(() => undefined))?.status === 200;
  await expect.poll(healthy, { timeout: 20_000 }).toBe(true);
  return { router, url, folder: folder.path };
}

const agent = new Agent({ keepAlive: false });
function ask(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    httpGet(url, { agent }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    }).on('error', reject);
  });
}

test.each(['SIGHUP', 'SIGUSR2'])(
  'router R52: with several workers %s under load loses no request, and the workers are others',
  async (signal) => {
    const { router, url } = await startWorkers();
    const statuses: number[] = [];
    let loading = true;
    const load = async () => {
      while (loading) statuses.push(await ask(`${url}/slow`));
    };
    const clients = Array.from({ length: 8 }, load);
    process.kill(router.pid ?? 0, signal);
    await expect
      .poll(() => router.lines.some(({ event }) => event === 'workers replaced'), { timeout: 25_000 })
      .toBe(true);
    loading = false;
    await Promise.all(clients);
    expect(statuses.length).toBeGreaterThan(8);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
  },
  60_000,
);

test('router §20.5: the metrics are those of all workers together, the socket is one, and nothing is left at the end', async () => {
  const { router, url, folder } = await startWorkers();
  for (let turn = 0; turn < 20; turn++) await ask(`${url}/robots.txt`);
  const metrics = await (await fetch(`http://${formatAddress(router.bound('metrics'))}/metrics`)).text();
  expect(metrics).toMatch(/authentik_main_requests_total\{route="robots",status="2xx"\} 20\n/);
  expect((await stat(join(folder, 'authentik.sock'))).isSocket()).toBe(true);
  expect((await router.stop()).code).toBe(0);
  expect((await readdir(folder)).filter((name) => name.startsWith('authentik'))).toEqual([]);
}, 60_000);

test('router §20.5: sessions in memory cannot be shared by workers, and the start says so', async () => {
  const env = {
    AUTHENTIK_WEB__WORKERS: '2',
    AKPROXY_SESSION__STORE: 'memory',
    AUTHENTIK_CORE__URL: 'http://127.0.0.1:1',
  };
  await expect(startDaemon('router', { env })).rejects.toThrow(
    '2 workers cannot share sessions that are kept in memory',
  );
});
