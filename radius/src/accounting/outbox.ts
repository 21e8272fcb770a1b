// Events on their way to the core: bounded, in order, tried again while the core is away. A record counts as safe once it is
// in here; when it is full the device gets no answer and keeps its record (RFC 2866 §4.1).
import { type Clock, createBackoff } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';

export interface Outbox {
  /** @returns false when there is no room */
  add(event: object): boolean;
  readonly size: number;
}

const maxEvents = 10_000;

export interface OutboxOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Throws when it should be tried again. */
  readonly send: (event: object) => Promise<void>;
}

export function createOutbox(options: OutboxOptions): Outbox {
  const events: object[] = [];
  let isSending = false;
  const sendAll = async () => {
    const backoff = createBackoff({ baseMs: 500, maxMs: 30_000 });
    while (!options.signal.aborted) {
      const [event] = events;
      if (event === undefined) return;
      const isSent = await options.send(event).then(
        () => true,
        (error: unknown) => {
          options.log.debug('event not sent', { error: String(error) });
          return false;
        },
      );
      if (isSent) {
        events.shift();
        backoff.reset();
      } else await options.clock.sleep(backoff.next(), options.signal).catch(() => undefined); // aborted: the loop ends
    }
  };
  return {
    add(event) {
      if (events.length >= maxEvents) return false;
      events.push(event);
      if (!isSending) {
        isSending = true;
        void sendAll().finally(() => {
          isSending = false;
        });
      }
      return true;
    },
    get size() {
      return events.length;
    },
  };
}
