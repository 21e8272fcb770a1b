// A WebSocket client and a server that nobody here wrote, with our tunnel between them: every case of client.py must come out
// through it as it does without it, and as the protocol says (WISHES P17). Autobahn's own suite needs Python 2.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fakeIssuer } from '@gatehouse/proxy/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { login } from '../../bench/proxy/session.ts';
import { type RunningDaemon, skipWithout, startDaemon } from '../../harness/index.ts';

type Outcomes = Readonly<Record<string, unknown>>;

const run = promisify(execFile);
const megabytes = 1024 * 1024;

describe.skipIf(skipWithout('websockets'))('WISHES P17: WebSocket through the tunnel', () => {
  let setting: Awaited<ReturnType<typeof start>>;
  let [direct, tunnelled]: [Outcomes, Outcomes] = [{}, {}];
  beforeAll(async () => {
    setting = await start();
    const { host, echoPort, proxyPort, cookie } = setting;
    direct = await drive(echoPort, host);
    tunnelled = await drive(proxyPort, host, cookie);
  }, 240_000);
  afterAll(() => setting[Symbol.asyncDispose]());

  test('every case comes out as it does without the tunnel', () => {
    expect(Object.keys(tunnelled).length).toBeGreaterThan(80);
    expect(tunnelled).toEqual(direct);
  });
  test('none failed, and what is not of the protocol ends as it says', () => {
    const outcomes = Object.entries(tunnelled);
    expect(outcomes.filter(([, outcome]) => String(outcome).startsWith('failed'))).toEqual([]);
    for (const [name, outcome] of outcomes) {
      if (/^(?:2\.5|3|4|5\.1 |5\.9|5\.18|7\.3|7\.9)/.test(name))
        expect([name, JSON.stringify(outcome)]).toEqual([name, expect.stringContaining('1002')]);
      if (/^(?:6\.4|7\.5)/.test(name))
        expect([name, JSON.stringify(outcome)]).toEqual([name, expect.stringContaining('1007')]);
    }
  });
  test('compression was agreed on by the two ends', () => {
    for (const [name, outcome] of Object.entries(tunnelled)) {
      if (/^1[23]\./.test(name)) expect(JSON.stringify(outcome)).toMatch(/^\[true,/);
    }
  });
  test('who is not logged in gets no tunnel', async () => {
    const outcomes = await drive(setting.proxyPort, setting.host);
    expect(new Set(Object.values(outcomes).map((outcome) => JSON.stringify(outcome)))).toEqual(
      new Set(['["failed","InvalidStatus","server rejected WebSocket connection: HTTP 401"]']),
    );
  }, 240_000);
});

async function drive(port: number, host: string, cookie = ''): Promise<Outcomes> {
  const script = join(import.meta.dirname, 'client.py');
  const { stdout } = await run('python3', [script, String(port), host, cookie], { maxBuffer: 16 * megabytes });
  const outcomes: Outcomes = JSON.parse(stdout);
  return outcomes;
}

async function start() {
  const echo = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: { threshold: 0 },
    maxPayload: 64 * megabytes,
  });
  echo.on('connection', (socket) => {
    socket.on('error', () => undefined); // what is wrong with a frame is what its sender is told
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await once(echo, 'listening');
  const at = echo.address();
  const echoPort = typeof at === 'object' && at !== null ? at.port : 0;
  const issuer = await fakeIssuer();
  const host = 'app.localhost';
  issuer.providers.push(issuer.row({ external_host: `http://${host}`, internal_host: `http://127.0.0.1:${echoPort}` }));
  const daemon: RunningDaemon = await startDaemon('proxy', {
    env: { AUTHENTIK_HOST: issuer.url, AUTHENTIK_TOKEN: 'x' },
  });
  const { port: proxyPort } = daemon.bound('http');
  return {
    host,
    echoPort,
    proxyPort,
    cookie: await login(host, proxyPort),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      for (const client of echo.clients) client.terminate();
      await new Promise((closed) => echo.close(closed));
      await issuer[Symbol.asyncDispose]();
    },
  };
}
