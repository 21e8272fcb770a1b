// The first process of a RADIUS outpost with several workers: tells each who it is, and passes on what one hands to another.
// Datagrams never come here: the workers share the sockets, and the kernel gives each datagram to whichever reads first.
import { randomBytes } from 'node:crypto';
import { startWorkers, type Workers, type WorkersOptions } from '@gatehouse/daemon/workers';
import { fromWorker, type ToWorker } from './messages.ts';

export function superviseWorkers(options: Omit<WorkersOptions, 'onMessage'>): Workers {
  const verdictKey = randomBytes(32).toString('hex');
  const tell = (to: number, message: ToWorker) => workers.tell(to, message);
  const workers = startWorkers({
    ...options,
    onMessage(from, given) {
      const message = fromWorker.safeParse(given).data;
      if (message?.kind === 'hello') tell(from, { kind: 'start', number: from, count: options.count, verdictKey });
      else if (message?.kind === 'hand_on') tell(message.to, message.datagram);
      else if (message !== undefined) workers.tellOthers(from, message);
    },
  });
  return workers;
}

/** A page of each worker, one below the other. */
export async function pageOfAll(workers: Workers, page: string): Promise<string> {
  const texts = await workers.pages(page);
  return texts.map((text, number) => `Worker ${number}:\n${text}`).join('\n');
}
