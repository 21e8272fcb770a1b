// A process that does nothing but take datagrams and send others back: what Node's sockets leave of a core.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface BareServer extends Disposable {
  readonly port: number;
  readonly pid: number;
}

export async function startBareServer(): Promise<BareServer> {
  const child = fork(join(import.meta.dirname, 'bare-server.ts'));
  const [port] = await once(child, 'message');
  return { port: Number(port), pid: child.pid ?? 0, [Symbol.dispose]: () => void child.kill() };
}
