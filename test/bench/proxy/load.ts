// A load generator on bare sockets: so many connections, one request at a time on each, counted answers, latencies. Used by
// the benchmarks beside it; cheap enough to measure a server that does almost nothing.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Load {
  readonly port: number;
  /** The request, head and all. */
  readonly request: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were not 200. */
  readonly failed: number;
}

export async function measure(load: Load): Promise<Measured> {
  const sockets = await Promise.all(Array.from({ length: load.connections }, () => open(load.port)));
  const bytes = Buffer.from(load.request, 'latin1');
  const tally: Tally = { done: 0, failed: 0, latencies: [], isOver: false };
  const startedMs = performance.now();
  const all = Promise.all(sockets.map((socket) => drive(socket, bytes, tally)));
  setTimeout(() => (tally.isOver = true), load.seconds * 1000);
  await all;
  const tookS = (performance.now() - startedMs) / 1000;
  for (const socket of sockets) socket.destroy();
  const sorted = tally.latencies.sort((one, other) => one - other);
  const at = (share: number) => Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2));
  return { perSecond: Math.round(tally.done / tookS), p50Ms: at(0.5), p99Ms: at(0.99), failed: tally.failed };
}

interface Tally {
  done: number;
  failed: number;
  readonly latencies: number[];
  isOver: boolean;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  return socket;
}

function drive(socket: Socket, bytes: Buffer, tally: Tally): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentMs = 0;
    let missing = -1;
    const next = () => {
      if (tally.isOver) return resolve();
      sentMs = performance.now();
      missing = -1;
      socket.write(bytes);
    };
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      if (missing === -1) missing = bodyLength(chunk, tally);
      else missing -= chunk.length;
      if (missing > 0) return;
      tally.done += 1;
      tally.latencies.push(performance.now() - sentMs);
      next();
    });
    next();
  });
}

/** What is still to come of an answer whose head lies in its first chunk. */
function bodyLength(chunk: Buffer, tally: Tally): number {
  const end = chunk.indexOf('\r\n\r\n');
  const head = chunk.toString('latin1', 0, end);
  if (!head.startsWith('HTTP/1.1 200')) tally.failed += 1;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return length - (chunk.length - end - 4);
}
