// A worker's end of the line to the first process, and through it to its siblings. Called by main.ts.
import cluster from 'node:cluster';
import type { Clock } from '@gatehouse/daemon/async';
import type { Health } from '@gatehouse/daemon/health';
import { type Datagram, type News, type Page, type ToWorker, toWorker } from './messages.ts';

export interface Siblings {
  /** Counted from 0; the first one alone takes accounting and RadSec, and what needs them. */
  readonly number: number;
  readonly count: number;
  /** Under which all of them keep verdicts. */
  readonly verdictKey: string;
  tell(news: News): void;
  handOn(to: number, datagram: Datagram): void;
  /** From now on what is said to this worker is heard. */
  listen(hearing: Hearing): void;
}

export interface Hearing {
  onNews(news: News): void;
  onDatagram(datagram: Datagram): void;
}

export interface WorkerOptions {
  readonly health: Health;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly signal: AbortSignal;
  readonly pages: Readonly<Record<Page, () => string | Promise<string>>>;
}

const healthEveryMs = 1_000;

export function isWorker(): boolean {
  return cluster.isWorker;
}

/** Resolves once the first process has said who this one is. @throws the signal's reason when the end comes before */
export async function joinSiblings(signal: AbortSignal): Promise<Siblings> {
  let hearing: Hearing | undefined;
  const start = await new Promise<Extract<ToWorker, { kind: 'start' }>>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    process.on('message', (given) => {
      const message = toWorker.safeParse(given).data;
      switch (message?.kind) {
        case 'start':
          resolve(message);
          break;
        case 'datagram':
          hearing?.onDatagram(message);
          break;
        case 'verdict':
        case 'session_ended':
        case 'changed':
        case 'latched':
          hearing?.onNews(message);
          break;
      }
    });
    send({ kind: 'hello' });
  });
  return {
    ...start,
    tell: send,
    handOn: (to, datagram) => send({ kind: 'hand_on', to, datagram: { kind: 'datagram', ...datagram } }),
    listen(given) {
      hearing = given;
    },
  };
}

/** Says that this worker listens, and from then on answers the first process. */
export function serveFirstProcess({ health, clock, signal, pages }: WorkerOptions): void {
  process.on('message', (given) => {
    const message = toWorker.safeParse(given).data;
    // A signal to the whole group may have come already; a second one would cut what is under way.
    if (message?.kind === 'stop' && !signal.aborted) process.kill(process.pid, 'SIGTERM');
    if (message?.kind !== 'page') return;
    const { id, page } = message;
    Promise.resolve(pages[page]()).then(
      (text) => send({ kind: 'page', id, text }),
      () => send({ kind: 'page', id, text: '' }), // told as nothing; the others are told
    );
  });
  send({ kind: 'ready' });
  process.channel?.unref(); // listening keeps us alive, talking does not
  reportHealth(health, clock, signal).catch(() => undefined); // only ever ends
}

function send(message: object): void {
  process.send?.(message, undefined, {}, () => undefined); // the first process is gone: so are we soon
}

async function reportHealth(health: Health, clock: Pick<Clock, 'sleep'>, signal: AbortSignal): Promise<void> {
  let before = '';
  while (!signal.aborted) {
    const { components } = health.status();
    const text = JSON.stringify(components);
    if (text !== before) send({ kind: 'health', components });
    before = text;
    await clock.sleep(healthEveryMs, signal).catch(() => undefined); // aborted: the loop's condition ends it
  }
}
