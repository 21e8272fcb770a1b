// The bare socket that binds are measured against besides slapd, as a process of its own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pin } from './pin.ts';

export interface Bare extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

export async function startBare(): Promise<Bare> {
  const child = fork(join(import.meta.dirname, 'bare-server.ts'));
  const [port] = await once(child, 'message');
  const exited = once(child, 'exit');
  const pid = child.pid ?? 0;
  await pin(pid, 0);
  return {
    port: Number(port),
    pid,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
