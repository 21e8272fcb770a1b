// The real servers, each started with the very recipe that is printed for users, in a folder of its own, as whoever runs
// the tests. Used by matrix.test.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { type RecipeSite, recipes } from '@gatehouse/proxy/recipes';

export interface ReverseProxy {
  readonly name: 'nginx' | 'caddy' | 'haproxy' | 'apache2' | 'traefik' | 'envoy';
  readonly mode: 'forward_single' | 'proxy';
  /** Answers when the outpost is gone. */
  readonly withoutOutpost: readonly number[];
  readonly write: (folder: string, site: RecipeSite) => Promise<readonly string[]>;
}

export const reverseProxies: readonly ReverseProxy[] = [
  {
    name: 'nginx',
    mode: 'forward_single',
    withoutOutpost: [500],
    async write(folder, site) {
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${folder}/${name};`,
      );
      const around = `daemon off; master_process off; pid ${folder}/pid; error_log stderr warn; events { }
http { access_log off; ${temporary.join(' ')}\n${recipes.nginx(site)}}\n`;
      await writeFile(join(folder, 'nginx.conf'), around);
      return ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')];
    },
  },
  {
    name: 'caddy',
    mode: 'forward_single',
    withoutOutpost: [502],
    async write(folder, site) {
      const head = '{\n\tadmin off\n\tauto_https off\n}\n';
      await writeFile(join(folder, 'Caddyfile'), head + recipes.caddy(site));
      return ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'];
    },
  },
  {
    name: 'haproxy',
    mode: 'forward_single',
    withoutOutpost: [503],
    async write(folder, site) {
      await writeFile(join(folder, 'ak-auth.lua'), recipes['haproxy-lua'](site));
      await writeFile(join(folder, 'haproxy.cfg'), recipes.haproxy(site));
      return ['-db', '-f', join(folder, 'haproxy.cfg')];
    },
  },
  {
    name: 'apache2',
    mode: 'proxy',
    withoutOutpost: [503],
    async write(folder, site) {
      const modules = ['mpm_event', 'authz_core', 'headers', 'proxy', 'proxy_http'].map(
        (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
      );
      const around = `ServerRoot ${folder}\nPidFile ${folder}/pid\nErrorLog ${folder}/error.log\nMutex file:${folder}
DefaultRuntimeDir ${folder}\nServerName localhost\nUser www-data\nGroup www-data\nListen ${site.listen}\n${modules.join('\n')}\n`;
      await writeFile(join(folder, 'apache.conf'), around + recipes.apache(site));
      return ['-X', '-f', join(folder, 'apache.conf')];
    },
  },
  {
    name: 'traefik',
    mode: 'forward_single',
    withoutOutpost: [500],
    async write(folder, site) {
      await writeFile(join(folder, 'dynamic.yaml'), recipes.traefik(site));
      return [
        `--entryPoints.web.address=${site.listen}`,
        '--entryPoints.web.http.aliasHeadersStrategy=delete',
        `--providers.file.filename=${join(folder, 'dynamic.yaml')}`,
        '--global.checkNewVersion=false',
        '--global.sendAnonymousUsage=false',
        '--log.level=WARN',
      ];
    },
  },
  {
    name: 'envoy',
    mode: 'forward_single',
    withoutOutpost: [403],
    async write(folder, site) {
      await writeFile(join(folder, 'envoy.yaml'), envoyAround(site));
      return [
        '--config-path',
        join(folder, 'envoy.yaml'),
        '--use-dynamic-base-id',
        '--concurrency',
        '1',
        '--log-level',
        'warn',
      ];
    },
  },
];

/** The printed part inside the least that Envoy starts with. */
function envoyAround(site: RecipeSite): string {
  const address = (at: string) => {
    const [host, port] = at.split(':');
    return `{ socket_address: { address: ${host}, port_value: ${port} } }`;
  };
  const cluster = (name: string, at: string) =>
    `  - { name: ${name}, connect_timeout: 5s, load_assignment: { cluster_name: ${name}, endpoints: [ { lb_endpoints: [ { endpoint: { address: ${address(at)} } } ] } ] } }`;
  const manager =
    'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  const indented = recipes.envoy(site).replace(/^(?=.)/gm, '          ');
  return `static_resources:
  listeners:
  - address: ${address(site.listen)}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": ${manager}
          stat_prefix: http
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - { match: { prefix: /outpost.goauthentik.io/ }, route: { cluster: outpost } }
              - { match: { prefix: / }, route: { cluster: app } }
${indented}
  clusters:
${cluster('outpost', site.outpost)}
${cluster('app', site.application)}
`;
}

/** Starts the server and waits until it accepts connections. @throws with its own complaints when it does not */
export async function startReverseProxy(kind: ReverseProxy, site: RecipeSite, port: number): Promise<AsyncDisposable> {
  const folder = await temporaryFolder();
  const args = await kind.write(folder.path, site);
  const env = {
    PATH: `${process.env['PATH']}:/usr/sbin`,
    HOME: folder.path,
    XDG_DATA_HOME: folder.path,
    XDG_CONFIG_HOME: folder.path,
  };
  const child = spawn(kind.name, args, { cwd: folder.path, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let complaints = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (complaints += String(part)));
  const exited = once(child, 'exit');
  let hasExited = false;
  exited.then(
    () => (hasExited = true),
    () => (hasExited = true),
  );
  const dispose = async () => {
    if (!hasExited) child.kill('SIGKILL');
    await exited;
    await folder[Symbol.asyncDispose]();
  };
  while (!(await isServing(port, site.publicHost))) {
    if (hasExited) {
      await folder[Symbol.asyncDispose]();
      throw new Error(`${kind.name} did not start: ${complaints}`);
    }
    await pause(20);
  }
  return { [Symbol.asyncDispose]: dispose };
}

/** Listens, and knows its site: Traefik answers 404 until it has read its files. */
async function isServing(port: number, host: string): Promise<boolean> {
  const headers = { Host: host, Accept: 'application/json' };
  const call = request({ host: '127.0.0.1', port, path: '/', headers, agent: false }).end();
  try {
    const [answer] = (await once(call, 'response')) as [IncomingMessage]; // the event's one argument
    answer.resume();
    return answer.statusCode !== 404;
  } catch {
    return false; // not yet
  }
}
