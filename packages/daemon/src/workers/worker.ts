// A worker's end of the line to the first process, and through it to its siblings.
import cluster from 'node:cluster';
import type { Clock } from '../async/index.ts';
import type { Health } from '../health/index.ts';
import { toWorker } from './messages.ts';

export interface ServeOptions {
  readonly health: Health;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly signal: AbortSignal;
  /** `metrics`, and what else the first process shows of this one, by name. */
  readonly pages: Readonly<Record<string, () => string | Promise<string>>>;
}

const healthEveryMs = 1_000;

export function isWorker(): boolean {
  return cluster.isWorker;
}

/** Of the daemon's own, for the `onMessage` of the first process. */
export function tellFirstProcess(message: object): void {
  process.send?.(message, undefined, {}, () => undefined); // the first process is gone: so are we soon
}

/** Says that this worker listens, and from then on answers the first process. */
export function serveFirstProcess({ health, clock, signal, pages }: ServeOptions): void {
  process.on('message', (given) => {
    const message = toWorker.safeParse(given).data;
    // A signal to the whole group may have come already; a second one would cut what is under way.
    if (message?.kind === 'stop' && !signal.aborted) process.kill(process.pid, 'SIGTERM');
    if (message?.kind === 'page') answer(message.id, pages[message.page]);
  });
  tellFirstProcess({ kind: 'ready' });
  process.channel?.unref(); // listening keeps us alive, talking does not
  reportHealth(health, clock, signal).catch(() => undefined); // only ever ends
}

function answer(id: number, page: (() => string | Promise<string>) | undefined): void {
  const tell = (text: string) => tellFirstProcess({ kind: 'page', id, text });
  Promise.resolve(page?.() ?? '').then(tell, () => tell('')); // told as nothing; the others are told
}

async function reportHealth(health: Health, clock: Pick<Clock, 'sleep'>, signal: AbortSignal): Promise<void> {
  let before = '';
  while (!signal.aborted) {
    const { components } = health.status();
    const text = JSON.stringify(components);
    if (text !== before) tellFirstProcess({ kind: 'health', components });
    before = text;
    await clock.sleep(healthEveryMs, signal).catch(() => undefined); // aborted: the loop's condition ends it
  }
}
