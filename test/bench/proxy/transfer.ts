// Memory of the daemon while a very large body passes: sent and received in pieces of 64 KiB, its size never announced to
// anything that would keep it. Tells the resident memory before, and the most that was seen.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { residentMiB } from './servers.ts';

export interface Transfer {
  readonly gigabytes: number;
  readonly megabytesPerSecond: number;
  readonly beforeMiB: number;
  readonly peakMiB: number;
}

const piece = Buffer.alloc(64 * 1024, 'x');

/** Swallows what it is sent, and sends as many bytes as the path says. */
export async function startBulkApplication(): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer((incoming, response) => {
    if (incoming.method === 'POST') {
      incoming.resume().once('end', () => response.end('taken'));
      return;
    }
    const bytes = Number((incoming.url ?? '').slice(1));
    response.writeHead(200, { 'Content-Length': bytes });
    pump(bytes, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = server.address();
  return { server, port: typeof at === 'object' && at !== null ? at.port : 0 };
}

/** @param pid of the daemon. @param headers Host and cookie of a session. `chunked` is an upload of a length nobody is told */
export async function transfer(
  direction: 'up' | 'chunked' | 'down',
  {
    port,
    pid,
    headers,
    gigabytes,
  }: { port: number; pid: number; headers: Readonly<Record<string, string>>; gigabytes: number },
): Promise<Transfer> {
  const bytes = Math.round(gigabytes * 1024) * 1024 * 1024;
  const beforeMiB = residentMiB(pid);
  let peakMiB = beforeMiB;
  const look = setInterval(() => (peakMiB = Math.max(peakMiB, residentMiB(pid))), 50);
  const startedMs = performance.now();
  const call = request({
    host: '127.0.0.1',
    port,
    agent: false,
    method: direction === 'down' ? 'GET' : 'POST',
    path: direction === 'down' ? `/${bytes}` : '/',
    headers: { ...headers, ...(direction === 'up' ? { 'Content-Length': bytes } : {}) },
  });
  const answered = once(call, 'response');
  if (direction === 'down') call.end();
  else await pump(bytes, call);
  const [answer] = (await answered) as [IncomingMessage]; // the event's one argument
  let received = 0;
  for await (const part of answer) received += part.length;
  clearInterval(look);
  if (answer.statusCode !== 200 || (direction === 'down' && received !== bytes)) {
    throw new Error(`status ${answer.statusCode}, ${received} of ${bytes} bytes`);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return { gigabytes, megabytesPerSecond: Math.round(bytes / 1e6 / seconds), beforeMiB, peakMiB };
}

async function pump(
  bytes: number,
  to: { write(data: Buffer): boolean; end(): void; once(event: 'drain', next: () => void): unknown },
) {
  for (let sent = 0; sent < bytes; sent += piece.length) {
    const data = bytes - sent < piece.length ? piece.subarray(0, bytes - sent) : piece;
    if (!to.write(data)) await new Promise<void>((next) => to.once('drain', next));
  }
  to.end();
}
