// The real servers, each started with the very recipe that is printed for users, in a folder of its own, as whoever runs
// the tests. Used by matrix.test.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { type RecipeSite, recipes } from '@gatehouse/proxy/recipes';

export interface ReverseProxy {
  readonly name: 'nginx' | 'caddy' | 'haproxy' | 'apache2';
  readonly mode: 'forward_single' | 'proxy';
  /** Answers when the outpost is gone. */
  readonly withoutOutpost: readonly number[];
  /** The cookie of an allowed request reaches the browser with this recipe. */
  readonly passesCookie: boolean;
  readonly write: (folder: string, site: RecipeSite) => Promise<readonly string[]>;
}

export const reverseProxies: readonly ReverseProxy[] = [
  {
    name: 'nginx',
    mode: 'forward_single',
    withoutOutpost: [500],
    passesCookie: true,
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
    passesCookie: false,
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
    passesCookie: true,
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
    passesCookie: true,
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
];

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
  while (!(await isListening(port))) {
    if (hasExited) {
      await folder[Symbol.asyncDispose]();
      throw new Error(`${kind.name} did not start: ${complaints}`);
    }
    await pause(20);
  }
  return { [Symbol.asyncDispose]: dispose };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = server.address();
  server.close();
  await once(server, 'close');
  return typeof at === 'object' && at !== null ? at.port : 0;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // not yet
  } finally {
    socket.destroy();
  }
}
