// `gatehouse up` as a process of its own on free ports, for tests.
import { type ChildProcess, spawn } from 'node:child_process';
import { commandFile, until } from '../../harness/index.ts';

const names = ['HTTP', 'HTTPS', 'CORE', 'LDAP', 'LDAPS', 'RADIUS', 'METRICS', 'STATUS', 'DEMO'] as const;
const freePorts = Object.fromEntries(names.map((name) => [`AUTHENTIK_LISTEN__${name}`, '127.0.0.1:0']));

export interface Up {
  readonly child: ChildProcess;
  readonly printed: () => string;
  readonly complained: () => string;
  readonly exited: Promise<number | null>;
}

export function startUp(dataDir: string, env: Readonly<Record<string, string>> = {}): Up {
  const child = spawn(process.execPath, [commandFile, 'up', '--data-dir', dataDir], {
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], ...freePorts, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    texts.out += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    texts.err += chunk.toString('utf8');
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, printed: () => texts.out, complained: () => texts.err, exited };
}

export async function stop({ child, exited }: Up): Promise<number | null> {
  child.kill('SIGINT');
  return exited;
}

export const isUp = (running: Up) => until(() => running.printed().includes('gatehouse is running'), 100_000);
