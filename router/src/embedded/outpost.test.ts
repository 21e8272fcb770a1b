// The embedded outpost whole: a real core, its control channel through our own socket, a browser's worth of cookies, and an
// application behind it (router.md §19 R46, R47, R49; §2.8 of proxy.md).
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { startTestCore, type TestCore, testPassword } from '@gatehouse/core/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runRouter, until } from '../testing/running-router.ts';

const secret = 'secret key of the tests';
const embedded = {
  AUTHENTIK_OUTPOSTS__DISABLE_EMBEDDED_OUTPOST: 'false',
  AUTHENTIK_SECRET_KEY: secret,
  AKPROXY_SESSION__STORE: 'memory',
};
let core: TestCore;
let site: Awaited<ReturnType<typeof runRouter>>;
let upstream: { readonly port: number; close(): void };

beforeAll(async () => {
  core = await startTestCore();
  upstream = await startUpstream();
  site = await runRouter({ core: { url: core.url }, env: embedded, files: { 'dist/x.js': 'asset' } });
  const { results } = await core.call<{ results: { pk: number }[] }>('GET', '/providers/proxy/?search=Demo');
  await core.call('PATCH', `/providers/proxy/${results[0]?.pk}/`, {
    external_host: `http://demo.localhost:${site.port}`,
    internal_host: `http://127.0.0.1:${upstream.port}`,
  });
  // Before the outpost knows of it, the host is the core's.
  await until(
    async () => (await ask('demo.localhost', '/')).headers.location?.includes('/outpost.goauthentik.io/') === true,
  );
}, 60_000);
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  upstream.close();
  await core[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(host: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      { host: '127.0.0.1', port: site.port, path, headers: { host: `${host}:${site.port}`, ...headers }, agent: false },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts).toString() }),
        );
      },
    );
    asked.on('error', reject).end();
  });
}

function startUpstream(): Promise<{ port: number; close(): void }> {
  const server = createServer((request, response) =>
    response.end(`site: ${request.headers['x-authentik-username']} ${request.url}`),
  );
  server.on('upgrade', (_, socket) =>
    socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello'),
  );
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        close: () => void server.close(),
      });
    }),
  );
}

/** A browser: cookies by host, redirects followed; the core's login through its executor. */
function browser() {
  const jar = new Map<string, Map<string, string>>();
  const visit = async (url: string, method = 'GET', body?: string): Promise<Answer & { readonly url: URL }> => {
    const at = new URL(url);
    const own = jar.get(at.hostname) ?? new Map<string, string>();
    jar.set(at.hostname, own);
    const headers: Record<string, string> = {
      host: at.host,
      accept: 'text/html',
      cookie: [...own].map(([name, value]) => `${name}=${value}`).join('; '),
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    };
    const csrf = own.get('authentik_csrf');
    if (csrf !== undefined) headers['x-authentik-csrf'] = csrf;
    const answer = await new Promise<Answer>((resolve, reject) => {
      const asked = httpRequest(
        { host: '127.0.0.1', port: site.port, path: at.pathname + at.search, method, headers, agent: false },
        (got) => {
          const parts: Buffer[] = [];
          got.on('data', (part: Buffer) => parts.push(part));
          got.on('end', () =>
            resolve({ status: got.statusCode ?? 0, headers: got.headers, body: Buffer.concat(parts).toString() }),
          );
        },
      );
      asked.on('error', reject).end(body);
    });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [pair = ''] = line.split(';');
      own.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    return { ...answer, url: at };
  };
  const follow = async (url: string): Promise<Answer & { readonly url: URL }> => {
    let answer = await visit(url);
    for (let hops = 0; hops < 12 && [301, 302, 303].includes(answer.status); hops++) {
      answer = await visit(new URL(answer.headers.location ?? '/', answer.url).href);
    }
    return answer;
  };
  return { visit, follow };
}

async function logIn(visitor: ReturnType<typeof browser>, entry: string) {
  const page = await visitor.follow(entry);
  const executor = `http://${page.url.host}/api/v3/flows/executor/default-authentication-flow/?query=${encodeURIComponent(page.url.search.slice(1))}`;
  const answers = [undefined, { uid_field: 'ada' }, { password: testPassword }];
  let challenge: { readonly component?: string; readonly to?: string } = {};
  for (const answer of answers) {
    let got = await visitor.visit(executor, answer === undefined ? 'GET' : 'POST', answer && JSON.stringify(answer));
    for (let hops = 0; hops < 8 && got.status === 302; hops++) got = await visitor.visit(executor);
    challenge = JSON.parse(got.body);
  }
  expect(challenge).toMatchObject({ component: 'xak-flow-redirect' });
  return visitor.follow(new URL(challenge.to ?? '/', page.url).href);
}

test('router R46: an application in proxy mode is behind a login, and its own host; assets stay ours', async () => {
  const visitor = browser();
  const reached = await logIn(visitor, `http://demo.localhost:${site.port}/deep/page?x=1`);
  expect(reached.body).toBe('site: ada /deep/page?x=1');
  expect(reached.url.host).toBe(`demo.localhost:${site.port}`);
  expect(reached.headers['x-authentik-id']).toMatch(/^[\da-f]{32}$/);
  expect((await ask('demo.localhost', '/static/dist/x.js')).body).toBe('asset');
  expect((await ask('demo.localhost', '/robots.txt')).status).not.toBe(200);
});

test('router R46: other hosts and the paths of other hosts go to the core', async () => {
  expect((await ask('localhost', '/api/v3/root/config/')).status).toBe(200);
  expect((await ask('elsewhere.localhost', '/outpost.goauthentik.io/start')).status).toBe(404);
});

test('router R47: the ping answers on any host', async () => {
  expect((await ask('anything.example', '/outpost.goauthentik.io/ping')).status).toBe(204);
});

test('router R29: the forwarded host of an untrusted peer reaches no application', async () => {
  const answer = await ask('localhost', '/api/v3/root/config/', { 'x-forwarded-host': `demo.localhost:${site.port}` });
  expect(answer.status).toBe(200);
});

test('router R49: after the core was away there is still exactly one line of the outpost to it', async () => {
  const instances = async () => {
    const { results } = await core.call<{ results: { pk: string; managed: string | null }[] }>(
      'GET',
      '/outposts/instances/',
    );
    const pk = results.find(({ managed }) => managed !== null)?.pk;
    return core.call<object[]>('GET', `/outposts/instances/${pk}/health/`);
  };
  await until(async () => (await instances()).length === 1);
  await core.restart();
  await until(async () => (await ask('localhost', '/-/health/live/')).status === 200);
  await until(async () => (await instances()).length === 1);
  expect(await instances()).toHaveLength(1);
  expect((await ask('demo.localhost', '/')).status).toBe(302);
});
