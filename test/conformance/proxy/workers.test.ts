// A proxy of several processes: one to whoever looks at it (proxy.md §17.28).
import { readFileSync } from 'node:fs';
import { fakeIssuer } from '@gatehouse/proxy/testing';
import { expect, test } from 'vitest';
import { type RunningDaemon, startDaemon, until } from '../../harness/index.ts';
import { Browser } from '../../interop/reverse-proxies/browser.ts';

const host = 'app.localhost';
const traefik = '/outpost.goauthentik.io/auth/traefik';
const forwarded = { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': host, 'X-Forwarded-Uri': '/' };

async function running(env: Readonly<Record<string, string>> = {}) {
  const issuer = await fakeIssuer();
  issuer.providers.push(issuer.row({ mode: 'forward_single', external_host: `http://${host}` }));
  const daemon = await startDaemon('proxy', {
    env: { AUTHENTIK_HOST: issuer.url, AUTHENTIK_TOKEN: 'x', AKPROXY_WORKERS: '2', ...env },
  });
  const site = `http://${host}:${daemon.bound('http').port}`;
  const login = async () => {
    const browser = new Browser();
    const started = await browser.send(`${site}/outpost.goauthentik.io/start`, {
      headers: { 'X-Forwarded-Host': host },
    });
    const back = (await browser.send(started.headers.location ?? '')).headers.location ?? '';
    await browser.send(site + back.slice(new URL(back).origin.length), { headers: { 'X-Forwarded-Host': host } });
    return browser;
  };
  /** Statuses of as many connections; they go to the workers in turn. */
  const ask = async (browser: Browser) => {
    const pages = await Promise.all(
      Array.from({ length: 6 }, () => browser.send(site + traefik, { headers: forwarded })),
    );
    return [...new Set(pages.map(({ status }) => status))];
  };
  await until(async () => (await ask(new Browser())).join() === '302');
  return {
    issuer,
    daemon,
    site,
    login,
    ask,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
    },
  };
}

for (const store of ['directory', 'cookie']) {
  test(`§17.28: with ${store} sessions every worker knows a login, and its end at once`, async () => {
    await using proxy = await running({ AKPROXY_SESSION__STORE: store });
    proxy.issuer.remembers = true;
    const browser = await proxy.login();
    expect(await proxy.ask(browser)).toEqual([200]);
    const other = await proxy.login();
    expect(await proxy.ask(other)).toEqual([200]);
    const out = await browser.send(`${proxy.site}/outpost.goauthentik.io/sign_out`, {
      headers: { 'X-Forwarded-Host': host },
    });
    expect(out.status).toBe(302);
    await until(async () => (await proxy.ask(other)).join() === '302', 1_000);
  });
}

test('§17.28: metrics and health of all workers on one listener; a worker that dies is started again', async () => {
  await using proxy = await running();
  const { port } = proxy.daemon.bound('metrics');
  const metrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const counted = async () => {
    const lines = (await metrics()).split('\n').filter((line) => line.includes('request_duration_seconds_count'));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  const before = await counted();
  await proxy.ask(new Browser());
  expect(await counted()).toBe(before + 6);
  await until(async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/-/ready`)).text();
    return [0, 1].every((at) => text.includes(`"worker ${at} core":{"state":"ready"}`));
  });
  const [worker] = workersOf(proxy.daemon);
  process.kill(worker ?? 0, 'SIGKILL');
  await until(() => workersOf(proxy.daemon).length === 2 && !workersOf(proxy.daemon).includes(worker ?? 0));
  await until(async () => (await proxy.ask(new Browser()).catch(() => [])).join() === '302');
});

test('proxy 110, §17.28: a signal lets every worker finish, exit code 0', async () => {
  await using proxy = await running();
  expect((await proxy.daemon.stop()).code).toBe(0);
});

test('§17.28: sessions in memory cannot be shared, and the start says so', async () => {
  const starting = startDaemon('proxy', {
    env: {
      AUTHENTIK_HOST: 'http://127.0.0.1:1',
      AUTHENTIK_TOKEN: 'x',
      AKPROXY_WORKERS: '2',
      AKPROXY_SESSION__STORE: 'memory',
    },
  });
  await expect(starting).rejects.toThrow('2 workers cannot share sessions that are kept in memory');
});

function workersOf({ pid }: RunningDaemon): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
