// What the router is measured against, all with the same files: nginx with and without sendfile, bare node:http, and a core
// of 1 KiB for those that pass requests on. Access lines are off everywhere; one process each, on the first core.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createUrlSigner, signingKey } from '@gatehouse/storage';
import { startDaemon } from '../../harness/daemon.ts';
import { freePort, runTool } from '../../harness/index.ts';
import { untilOpen } from '../proxy/servers.ts';
import type { Contender } from './rates.ts';

const secretKey = 'a secret key of sufficient length for figures';
const storedName = 'media/public/large.bin';

export interface Servers extends AsyncDisposable {
  readonly router: Contender;
  readonly nginx: Contender;
  readonly nginxCopying: Contender;
  /** Opens files for every request, as the router looks at them for every request. */
  readonly nginxOpening: Contender;
  readonly bare: Contender;
  /** What no server on Node can be faster than: fixed bytes of 16 KiB and 1 MiB, without HTTP. */
  readonly ceilings: { readonly small: Contender; readonly large: Contender };
  /** A stored file of 1 MiB, with its token; nginx has it under the same path. */
  readonly storedTarget: string;
}

export async function startAll(folder: string): Promise<Servers> {
  await mkdir(join(folder, 'static/dist'), { recursive: true });
  await mkdir(join(folder, 'files/media/public'), { recursive: true });
  const large = Buffer.alloc(1_048_576, 7);
  await writeFile(join(folder, 'static/dist/small.bin'), Buffer.alloc(16_384, 7));
  await writeFile(join(folder, 'static/dist/large.bin'), large);
  await writeFile(join(folder, 'files', storedName), large);
  const core = await startForked('plain-core', 'bare-server.ts', '1024', 1);
  const bare = await startForked('node:http', 'bare-server.ts', join(folder, 'static/dist'), 0);
  const [small, largest] = [
    await startForked('net, fixed bytes', 'fixed-bytes.ts', '16384', 0),
    await startForked('net, fixed bytes', 'fixed-bytes.ts', '1048576', 0),
  ];
  const nginx = await startNginx('nginx', folder, core.port, 'sendfile on; open_file_cache max=100;');
  const copying = 'sendfile off; open_file_cache max=100;';
  const nginxCopying = await startNginx('nginx without sendfile', folder, core.port, copying);
  const nginxOpening = await startNginx('nginx without open_file_cache', folder, core.port, 'sendfile on;');
  const router = await startRouter(folder, core.port);
  const token = await createUrlSigner(signingKey(secretKey, 'media'), 3_600_000).sign(storedName, Date.now());
  const all = [core, bare, small, largest, nginx, nginxCopying, nginxOpening, router];
  return {
    router,
    nginx,
    nginxCopying,
    nginxOpening,
    bare,
    ceilings: { small, large: largest },
    storedTarget: `/files/${storedName}?token=${token}`,
    async [Symbol.asyncDispose]() {
      for (const one of all) await one.stop();
    },
  };
}

interface Started extends Contender {
  stop(): Promise<void>;
}

async function startRouter(folder: string, corePort: number): Promise<Started> {
  const daemon = await startDaemon('router', {
    env: {
      AUTHENTIK_CORE__URL: `http://127.0.0.1:${corePort}`,
      AUTHENTIK_SECRET_KEY: secretKey,
      AUTHENTIK_WEB__ASSETS_DIST: join(folder, 'static/dist'),
      AUTHENTIK_STORAGE__FILE__PATH: join(folder, 'files'),
      WORKSPACE_DIR: folder,
    },
  });
  const { port } = daemon.bound('http');
  while ((await fetch(`http://127.0.0.1:${port}/-/health/live/`)).status !== 200) await pause(50);
  // A daemon says "ready" at level info, hence the change afterwards.
  await writeFile(join(folder, 'local.yml'), 'log_level: warning');
  process.kill(daemon.pid ?? 0, 'SIGHUP');
  await pause(300);
  await pin(daemon.pid ?? 0, 0);
  return { name: 'router', port, pid: daemon.pid ?? 0, stop: async () => void (await daemon.stop()) };
}

async function startNginx(name: string, folder: string, corePort: number, files: string): Promise<Started> {
  const port = await freePort();
  const own = join(folder, `nginx-${port}`);
  await mkdir(own);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (one) => `${one}_temp_path ${own}/${one};`,
  );
  await writeFile(
    join(own, 'nginx.conf'),
    `daemon off; master_process off; pid ${own}/pid; error_log ${own}/error.log; events { worker_connections 1024; }
http { access_log off; ${files} tcp_nopush on; keepalive_requests 1000000;
  default_type application/octet-stream; ${temporary.join(' ')}
  upstream core { server 127.0.0.1:${corePort}; keepalive 64; }
  server { listen 127.0.0.1:${port}; root ${folder};
    location / { proxy_pass http://core; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; }
    location /static/ { } location /files/ { } } }`,
  );
  const child = spawn('nginx', ['-e', 'stderr', '-c', join(own, 'nginx.conf')], { stdio: 'inherit' });
  await untilOpen(port);
  await pin(child.pid ?? 0, 0);
  return { name, port, pid: child.pid ?? 0, stop: () => end(child) };
}

async function startForked(name: string, file: string, given: string, cpu: number): Promise<Started> {
  const child = fork(join(import.meta.dirname, file), [given]);
  const [port] = await once(child, 'message');
  await pin(child.pid ?? 0, cpu);
  return { name, port: Number(port), pid: child.pid ?? 0, stop: () => end(child) };
}

async function end(child: ReturnType<typeof spawn>): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

async function pin(pid: number, cpu: number): Promise<void> {
  await runTool('taskset', ['-a', '-cp', String(cpu), String(pid)]);
}
