// What is measured and what it is measured against, started once for all rows: the daemon with three providers, the
// application behind it, bare node:http, a TCP relay, Caddy. Servers share the first core, load and application the second.
import { type FakeIssuer, fakeIssuer } from '@gatehouse/proxy/testing';
import { freePort, runTool } from '../../harness/index.ts';
import type { Request } from './load.ts';
import { type Running, startBare, startCaddy, startNginx, startProxy, startRelay } from './servers.ts';
import { answeredFields, login } from './session.ts';
import { startBulkApplication } from './transfer.ts';

export interface Subjects {
  readonly folder: string;
  readonly issuer: FakeIssuer;
  readonly daemon: Running;
  /** They give the very answers that the daemon gives, field for field. */
  readonly bareAuth: Running;
  readonly bareSmall: Running;
  /** Bare, but it reads the fields of requests and writes a line about each. */
  readonly loggingAuth: Running;
  /** The same by two processes. */
  readonly bareSmallTwice: Running;
  readonly relay: Running;
  readonly caddy: Running;
  readonly requests: {
    readonly auth: Request;
    page(path: string, host?: string): Request;
  };
  readonly bulkHeaders: Readonly<Record<string, string>>;
  /** One core for the servers and the other for load and application; or none of it. */
  pin(isPinned: boolean): Promise<void>;
  stop(): Promise<void>;
}

const browserLines = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: de,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: same-origin',
];

/** A request as a browser sends it. */
export function browserRequest(target: string, lines: readonly string[]): Request {
  return { target, lines: [...lines, ...browserLines] };
}

/** @param profile folder for a CPU profile of the daemon */
export async function startSubjects(folder: string, profile: string | undefined): Promise<Subjects> {
  const issuer = await fakeIssuer();
  issuer.lifeS = 86_400;
  const port = await freePort();
  const host = `app.localhost:${port}`;
  const nginx = await startNginx(folder);
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
  const daemon = await startProxy({ folder, issuer, port, ...(profile === undefined ? {} : { profile }) });
  const session = await login(host, port);
  const proxied = await login('proxied.localhost', port);
  const forwarded = { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': host, 'X-Forwarded-Uri': '/some/page?x=1' };
  const authUrl = `http://${host}/outpost.goauthentik.io/auth/traefik`;
  const authFields = await answeredFields(authUrl, { Cookie: session, ...forwarded });
  const bareAuth = await startBare(0, authFields);
  const loggingAuth = await startBare(0, authFields, { isLogging: true });
  const smallFields = await answeredFields(`http://127.0.0.1:${port}/small`, {
    Cookie: proxied,
    'X-Forwarded-Host': 'proxied.localhost',
  });
  const bareSmall = await startBare(1_024, smallFields);
  const bareSmallTwice = await startBare(1_024, smallFields, { workers: 2 });
  const relay = await startRelay(nginx.port);
  const caddy = await startCaddy(folder, nginx.port);
  const servers = [daemon, bareAuth, loggingAuth, bareSmall, bareSmallTwice, relay, caddy];
  const forwardedLines = Object.entries(forwarded).map(([name, value]) => `${name}: ${value}`);
  const cookies = `Cookie: theme=dark; lang=de; ${session}; tracking=none`;
  return {
    folder,
    issuer,
    daemon,
    bareAuth,
    loggingAuth,
    bareSmall,
    bareSmallTwice,
    relay,
    caddy,
    requests: {
      auth: browserRequest('/outpost.goauthentik.io/auth/traefik', [`Host: ${host}`, cookies, ...forwardedLines]),
      page: (path, name = 'proxied.localhost') =>
        browserRequest(path, [`Host: ${name}`, `Cookie: theme=dark; ${proxied}`]),
    },
    bulkHeaders: { Host: 'bulk.localhost', Cookie: await login('bulk.localhost', port) },
    async pin(isPinned) {
      for (const { pid } of servers) await pin(isPinned ? '0' : '0,1', pid);
      for (const pid of [nginx.pid, process.pid]) await pin(isPinned ? '1' : '0,1', pid);
    },
    async stop() {
      for (const server of [...servers, nginx]) await server.stop();
      bulk.server.close();
      await issuer[Symbol.asyncDispose]();
    },
  };
}

async function pin(cores: string, pid: number): Promise<void> {
  await runTool('taskset', ['-a', '-cp', cores, String(pid)]);
}
