// Benchmarks of the proxy against bare node:http in the same run, interleaved: `npx tsx test/bench/proxy/run.ts [seconds]` after a build.
// Prints JSON; the figures of proxy/README.md come from it.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { fakeIssuer } from '@gatehouse/proxy/testing';
import { commandFile } from '../../harness/daemon.ts';
import { Browser } from '../../interop/reverse-proxies/browser.ts';
import { freePort } from '../../interop/reverse-proxies/servers.ts';
import { type Measured, measure } from './load.ts';

const seconds = Number(process.argv[2] ?? 3);
const rounds = 5;
const connections = 64;
const browserHeaders = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: de,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: same-origin',
];

await using folder = await temporaryFolder();
await using issuer = await fakeIssuer();
const publicPort = await freePort();
const host = `app.localhost:${publicPort}`;
const bareSmall = await bare('1024', []);
const { port: upstreamPort } = await bare('1024', []);
issuer.providers.push(
  issuer.row({ pk: 1, name: 'auth', mode: 'forward_single', external_host: `http://${host}` }),
  issuer.row({
    pk: 2,
    name: 'proxied',
    client_id: 'second',
    mode: 'proxy',
    external_host: 'http://proxied.localhost',
    internal_host: `http://127.0.0.1:${upstreamPort}`,
  }),
);
const daemon = spawn(process.execPath, [commandFile, 'proxy'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    PATH: process.env['PATH'],
    TMPDIR: folder.path,
    AUTHENTIK_HOST: issuer.url,
    AUTHENTIK_TOKEN: 'x',
    AUTHENTIK_LISTEN__HTTP: `127.0.0.1:${publicPort}`,
    AUTHENTIK_LISTEN__HTTPS: '127.0.0.1:0',
    AUTHENTIK_LISTEN__METRICS: '127.0.0.1:0',
    ...(process.env['AUTHENTIK_LOG_LEVEL'] === undefined
      ? {}
      : { AUTHENTIK_LOG_LEVEL: process.env['AUTHENTIK_LOG_LEVEL'] }),
  },
});
const session = await login(host, publicPort);
const proxied = await login('proxied.localhost', publicPort);

const head = (target: string, lines: readonly string[]) =>
  `GET ${target} HTTP/1.1\r\n${[...lines, ...browserHeaders].join('\r\n')}\r\n\r\n`;
const cookies = `Cookie: theme=dark; lang=de; ${session}; tracking=none`;
const forwarded = ['X-Forwarded-Proto: http', `X-Forwarded-Host: ${host}`, 'X-Forwarded-Uri: /some/page?x=1'];
const auth = head('/outpost.goauthentik.io/auth/traefik', [`Host: ${host}`, cookies, ...forwarded]);
const page = head('/page', ['Host: proxied.localhost', `Cookie: theme=dark; ${proxied}`]);

const bareAuth = await bare('0', await answeredFields());
const results: Record<string, Measured[]> = {};
for (let round = 0; round < rounds; round++) {
  await sample('bare, the same answer', bareAuth.port, auth);
  await sample('forward-auth, known session', publicPort, auth);
  await sample('bare, 1 KB', bareSmall.port, page);
  await sample('proxied GET, 1 KB', publicPort, page);
}
daemon.kill();
for (const child of [bareSmall, bareAuth]) child.child.kill();
const median = (name: string) =>
  (results[name] ?? []).toSorted((one, other) => one.perSecond - other.perSecond)[Math.floor(rounds / 2)];
console.log(
  JSON.stringify(
    {
      node: process.version,
      cpu: cpus()[0]?.model,
      seconds,
      rounds,
      median: Object.fromEntries(Object.keys(results).map((name) => [name, median(name)])),
      ratio: {
        'forward-auth / bare': ratio('forward-auth, known session', 'bare, the same answer'),
        'proxied / bare': ratio('proxied GET, 1 KB', 'bare, 1 KB'),
      },
    },
    undefined,
    2,
  ),
);
process.exit(0);

function ratio(name: string, base: string): number {
  return Number(((median(name)?.perSecond ?? 0) / (median(base)?.perSecond ?? 1)).toFixed(2));
}

async function sample(name: string, port: number, request: string): Promise<void> {
  const measured = await measure({ port, request, connections, seconds });
  results[name] = [...(results[name] ?? []), measured];
}

async function bare(size: string, fields: readonly string[]) {
  const child = fork(join(import.meta.dirname, 'bare-server.ts'), [size, JSON.stringify(fields)]);
  const [port] = await once(child, 'message');
  return { child, port: Number(port) };
}

/** Header fields of an allowed answer, for the bare server to repeat; node:http adds the others itself. */
async function answeredFields(): Promise<string[]> {
  const headers = { Cookie: session, 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': host, 'X-Forwarded-Uri': '/' };
  const answer = await new Browser().send(`http://${host}/outpost.goauthentik.io/auth/traefik`, { headers });
  const own = new Set(['date', 'connection', 'keep-alive', 'content-length']);
  return Object.entries(answer.headers).flatMap(([name, value]) => (own.has(name) ? [] : [name, String(value)]));
}

/** Logs in through the daemon itself. @returns the session cookie as `name=value` */
async function login(name: string, port: number): Promise<string> {
  const browser = new Browser();
  const own = name.includes(':') ? name : `${name}:${port}`;
  const at = `http://${own}`;
  for (;;) {
    const headers = { 'X-Forwarded-Host': name };
    const page = await browser.send(`${at}/outpost.goauthentik.io/start`, { headers }).catch(() => undefined);
    if (page?.status !== 302) continue;
    const back = (await browser.send(page.headers.location ?? '')).headers.location ?? '';
    const path = back.slice(new URL(back).origin.length);
    await browser.send(at + path, { headers });
    const found = [...browser.cookies(own)].find(([cookie]) => /^authentik_proxy_[\da-f]{8}$/.test(cookie));
    if (found !== undefined) return found.join('=');
  }
}
