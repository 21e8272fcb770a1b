// A worker and its siblings: who it is, what it tells them, and what belongs to another. Called by main.ts.
import { tellFirstProcess } from '@gatehouse/daemon/workers';
import { type Datagram, type News, type ToWorker, toWorker } from './messages.ts';

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
        case 'in_work':
        case 'started':
          hearing?.onNews(message);
          break;
      }
    });
    tellFirstProcess({ kind: 'hello' });
  });
  return {
    ...start,
    tell: tellFirstProcess,
    handOn: (to, datagram) => tellFirstProcess({ kind: 'hand_on', to, datagram: { kind: 'datagram', ...datagram } }),
    listen(given) {
      hearing = given;
    },
  };
}
