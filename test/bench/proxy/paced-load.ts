// Load at a given rate: requests are due at even distances whatever has become of those before them, and each is timed from
// when it was due, so that a pause of the server is charged to everyone who had to wait for it (no "coordinated omission").
// Connections are kept, as reverse proxies keep theirs: what their beginning costs is over before the first that is timed.
// For answers without a body. What is written here makes as little garbage as it can: a pause of the load is charged, too.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Load, Measured } from './load.ts';

/** @param perSecond requests due in all */
export async function measurePaced(
  { port, request, connections, seconds }: Load,
  perSecond: number,
): Promise<Measured> {
  const bytes = Buffer.from(`GET ${request.target} HTTP/1.1\r\n${request.lines.join('\r\n')}\r\n\r\n`, 'latin1');
  const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const run = new PacedRun(bytes, perSecond, seconds * 1000);
  for (const socket of sockets) run.use(socket);
  const measured = await run.finish();
  for (const socket of sockets) socket.destroy();
  return measured;
}

/** Not timed, at the beginning. */
const settleMs = 500;
/** Where the first digit of the status is: `HTTP/1.1 200`. */
const statusAt = 9;
const endOfHead = Buffer.from('\r\n\r\n');

class PacedRun {
  readonly #bytes: Buffer;
  readonly #perMs: number;
  readonly #lastsMs: number;
  readonly #startedMs = performance.now();
  readonly #idle: Connection[] = [];
  readonly #tookMs: Float64Array;
  #sent = 0;
  #answered = 0;
  #failed = 0;

  /** @param lastsMs of what is timed */
  constructor(bytes: Buffer, perSecond: number, lastsMs: number) {
    this.#bytes = bytes;
    this.#perMs = perSecond / 1000;
    this.#lastsMs = settleMs + lastsMs;
    this.#tookMs = new Float64Array(Math.ceil(this.#lastsMs * this.#perMs));
  }

  /** Takes a connection into service. */
  use(socket: Socket): void {
    const connection: Connection = { socket, dueMs: 0, begun: undefined };
    this.#idle.push(connection);
    socket.on('data', (part) => {
      const answer = connection.begun === undefined ? part : Buffer.concat([connection.begun, part]);
      const isWhole = answer.indexOf(endOfHead, -endOfHead.length) !== -1;
      connection.begun = isWhole ? undefined : answer;
      if (!isWhole) return;
      if (answer[statusAt] !== 0x32) this.#failed += 1;
      this.#tookMs[this.#answered] = performance.now() - connection.dueMs;
      this.#answered += 1;
      this.#idle.push(connection);
      this.#sendDue();
    });
    socket.on('error', () => (this.#failed += 1));
  }

  /** Resolves when all that was due has been answered, or two seconds after the end. */
  async finish(): Promise<Measured> {
    const isAnswered = () => this.#answered >= Math.floor(this.#lastsMs * this.#perMs);
    while (!isAnswered() && !(performance.now() - this.#startedMs > this.#lastsMs + 2_000)) {
      this.#sendDue();
      await new Promise((again) => setImmediate(again));
    }
    const timed = this.#tookMs.slice(Math.floor(settleMs * this.#perMs), this.#answered).sort();
    const at = (share: number) => Number((timed[Math.floor(timed.length * share)] ?? 0).toFixed(2));
    return {
      answers: timed.length,
      perSecond: Math.round((this.#answered * 1000) / this.#lastsMs),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      failed: this.#failed + this.#sent - this.#answered,
    };
  }

  #sendDue(): void {
    const passedMs = Math.min(performance.now() - this.#startedMs, this.#lastsMs);
    for (; this.#sent + 1 <= passedMs * this.#perMs; this.#sent += 1) {
      const connection = this.#idle.pop();
      if (connection === undefined) return;
      connection.dueMs = this.#startedMs + (this.#sent + 1) / this.#perMs;
      connection.socket.write(this.#bytes);
    }
  }
}

interface Connection {
  readonly socket: Socket;
  /** When the request under way was due. */
  dueMs: number;
  /** What has come of its answer. */
  begun: Buffer | undefined;
}
