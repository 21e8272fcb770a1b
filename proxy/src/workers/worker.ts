// A worker's end of the line to its siblings (proxy.md §17.28). A process without siblings has none, and all of this is nothing.
import cluster from 'node:cluster';
import type { Clock } from '@gatehouse/daemon/async';
import type { Health } from '@gatehouse/daemon/health';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { type Notice, toWorker } from './messages.ts';

export interface Siblings {
  /** Tells the others what ended or changed here. */
  tell(ended: Omit<Notice, 'kind'>): void;
}

export interface WorkerOptions {
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly signal: AbortSignal;
  /** A sibling says what ended or changed. */
  readonly onEnded: (ended: Notice) => void;
}

const healthEveryMs = 1_000;

export function isWorker(): boolean {
  return cluster.isWorker;
}

/** Says that this worker listens, and from then on answers the first process. */
export function joinSiblings(options: WorkerOptions): Siblings {
  const { metrics, signal, onEnded } = options;
  const send = (message: object) => void process.send?.(message, undefined, {}, () => undefined); // the first process is gone: so are we soon
  process.on('message', (given) => {
    const message = toWorker.safeParse(given).data;
    if (message?.kind === 'ended') onEnded(message);
    // A signal to the whole group may have come already; a second one would cut what is under way.
    if (message?.kind === 'stop' && !signal.aborted) process.kill(process.pid, 'SIGTERM');
    if (message?.kind === 'metrics') {
      const { id } = message;
      metrics.text().then(
        (text) => send({ kind: 'metrics', id, text }),
        () => send({ kind: 'metrics', id, text: '' }), // told as nothing; the others are told
      );
    }
  });
  send({ kind: 'ready' });
  // Listening keeps us alive, talking does not.
  process.channel?.unref();
  reportHealth(options, send);
  return { tell: (ended) => send({ kind: 'ended', ...ended }) };
}

function reportHealth({ health, clock, signal }: WorkerOptions, send: (message: object) => void): void {
  let before = '';
  const report = async () => {
    while (!signal.aborted) {
      const { components } = health.status();
      const text = JSON.stringify(components);
      if (text !== before) send({ kind: 'health', components });
      before = text;
      await clock.sleep(healthEveryMs, signal).catch(() => undefined); // aborted: the loop's condition ends it
    }
  };
  report().catch(() => undefined); // only ever ends
}
