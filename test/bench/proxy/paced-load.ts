// Load at a given rate: requests are due at even distances whatever has become of those before them, and each is timed from
// when it was due, so that a pause of the server is charged to everyone who had to wait for it (no "coordinated omission").
// For answers without a body.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Load, Measured } from './load.ts';

/** @param perSecond requests due in all */
export async function measurePaced(
  { port, request, connections, seconds }: Load,
  perSecond: number,
): Promise<Measured> {
  const bytes = Buffer.from(`GET ${request.target} HTTP/1.1\r\n${request.lines.join('\r\n')}\r\n\r\n`, 'latin1');
  const run = new PacedRun(bytes, perSecond, seconds * 1000);
  const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  for (const socket of sockets) run.use(socket);
  const measured = await run.finish();
  for (const socket of sockets) socket.destroy();
  return measured;
}

class PacedRun {
  readonly #bytes: Buffer;
  readonly #perMs: number;
  readonly #lastsMs: number;
  readonly #startedMs = performance.now();
  readonly #idle: Socket[] = [];
  readonly #tookMs: number[] = [];
  readonly #dueMs = new Map<Socket, number>();
  #sent = 0;
  #failed = 0;

  constructor(bytes: Buffer, perSecond: number, lastsMs: number) {
    this.#bytes = bytes;
    this.#perMs = perSecond / 1000;
    this.#lastsMs = lastsMs;
  }

  /** Takes a connection into service. */
  use(socket: Socket): void {
    let seen = '';
    this.#idle.push(socket);
    socket.on('data', (part) => {
      seen += part.toString('latin1');
      if (!seen.endsWith('\r\n\r\n')) return;
      if (!seen.startsWith('HTTP/1.1 2')) this.#failed += 1;
      seen = '';
      this.#tookMs.push(performance.now() - (this.#dueMs.get(socket) ?? 0));
      this.#idle.push(socket);
      this.#sendDue();
    });
    socket.on('error', () => (this.#failed += 1));
  }

  /** Resolves when all that was due has been answered, or two seconds after the end. */
  async finish(): Promise<Measured> {
    const isAnswered = () => this.#tookMs.length >= Math.floor(this.#lastsMs * this.#perMs);
    while (!isAnswered() && !(performance.now() - this.#startedMs > this.#lastsMs + 2_000)) {
      this.#sendDue();
      await new Promise((again) => setImmediate(again));
    }
    const unanswered = this.#sent - this.#tookMs.length;
    const sorted = Float64Array.from(this.#tookMs).sort();
    const at = (share: number) => Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2));
    return {
      answers: sorted.length,
      perSecond: Math.round((sorted.length * 1000) / this.#lastsMs),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      failed: this.#failed + unanswered,
    };
  }

  #sendDue(): void {
    const passedMs = Math.min(performance.now() - this.#startedMs, this.#lastsMs);
    for (; this.#sent + 1 <= passedMs * this.#perMs; this.#sent += 1) {
      const socket = this.#idle.pop();
      if (socket === undefined) return;
      this.#dueMs.set(socket, this.#startedMs + (this.#sent + 1) / this.#perMs);
      socket.write(this.#bytes);
    }
  }
}
