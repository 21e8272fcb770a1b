// What the benchmarks measure and measure against: the proxy daemon with a fake issuer, nginx as the application, bare
// node:http, a TCP relay, Caddy. Each a process of its own, so that its CPU time can be read.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { FakeIssuer } from '@gatehouse/proxy/testing';
import { commandFile, freePort } from '../../harness/index.ts';

export interface Running {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface BareOptions {
  /** Processes that share the port. */
  readonly workers?: number;
  /** Reads the fields of each request and writes a line about it. */
  readonly isLogging?: boolean;
}

/** @param size of the body. @param fields of the answer */
export async function startBare(size: number, fields: readonly string[], options: BareOptions = {}): Promise<Running> {
  const { workers = 1, isLogging = false } = options;
  return forked('bare-server.ts', [String(size), JSON.stringify(fields), String(workers), isLogging ? 'log' : '']);
}

export async function startRelay(to: number): Promise<Running> {
  return forked('relay.ts', [String(to)]);
}

export interface DaemonOptions {
  readonly folder: string;
  readonly issuer: FakeIssuer;
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Folder for a CPU profile, written at the end. */
  readonly profile?: string;
}

/** Access log on, as by default; its lines go nowhere. */
export async function startProxy({ folder, issuer, port, env, profile }: DaemonOptions): Promise<Running> {
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const child = spawn(process.execPath, [...profiling, commandFile, 'proxy'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      TMPDIR: folder,
      AUTHENTIK_HOST: issuer.url,
      AUTHENTIK_TOKEN: 'x',
      AUTHENTIK_LISTEN__HTTP: `127.0.0.1:${port}`,
      AUTHENTIK_LISTEN__HTTPS: '127.0.0.1:0',
      AUTHENTIK_LISTEN__METRICS: '127.0.0.1:0',
      ...env,
    },
  });
  return running(child, port);
}

/** The application: files of 1 KB and 1 MB from nginx, one worker. */
export async function startNginx(folder: string): Promise<Running> {
  const port = await freePort();
  await mkdir(join(folder, 'www'), { recursive: true });
  await writeFile(join(folder, 'www', 'small'), 'x'.repeat(1_024));
  await writeFile(join(folder, 'www', 'large'), 'x'.repeat(1_048_576));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const config = `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr warn; events { }
http { access_log off; sendfile on; keepalive_requests 1000000000; ${temporary.join(' ')}
server { listen 127.0.0.1:${port} reuseport; root ${folder}/www; } }`;
  await writeFile(join(folder, 'nginx.conf'), config);
  const child = spawn('nginx', ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' });
  await untilOpen(port);
  return running(child, port);
}

/** `reverse_proxy` to the application, one core, no log. */
export async function startCaddy(folder: string, to: number): Promise<Running> {
  const port = await freePort();
  const config = `{\n\tadmin off\n\tauto_https off\n}\nhttp://proxied.localhost:${port} {\n\treverse_proxy 127.0.0.1:${to}\n}\n`;
  await writeFile(join(folder, 'Caddyfile'), config);
  const child = spawn('caddy', ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'], {
    stdio: 'ignore',
    env: { ...process.env, HOME: folder, GOMAXPROCS: '1' },
  });
  await untilOpen(port);
  return running(child, port);
}

/** CPU time of a process and its children, in milliseconds; the kernel counts in steps of ten. */
export function cpuMs(pid: number): number {
  return family(pid).reduce((sum, one) => {
    const fields = readFileSync(`/proc/${one}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) * 10;
  }, 0);
}

/** How long the first thread of a process was ready to run without a core, in milliseconds since it began. */
export function waitedMs(pid: number): number {
  const [, waitedNs] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return Number(waitedNs) / 1e6;
}

/** Resident memory in MiB. */
export function residentMiB(pid: number): number {
  const kiB = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kiB) / 1024);
}

function family(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const children = tasks.flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' '),
  );
  return [pid, ...children.filter((child) => child !== '').flatMap((child) => family(Number(child)))];
}

async function forked(file: string, args: readonly string[]): Promise<Running> {
  const child = fork(join(import.meta.dirname, file), args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [port] = await once(child, 'message');
  return running(child, Number(port));
}

function running(child: ChildProcess, port: number): Running {
  const exited = once(child, 'exit');
  return {
    port,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

export async function untilOpen(port: number): Promise<void> {
  for (let round = 0; round < 600; round++) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await pause(50);
  }
  throw new Error(`nothing listens on ${port}`);
}
