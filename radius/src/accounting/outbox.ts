// Events on their way to the core: in order, tried again while the core is away. A record counts as safe once the spool has
// it; until then the device gets no answer and keeps it (RFC 2866 §4.1).
import { type Clock, createBackoff } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import type { Spool } from './spool.ts';

export interface Outbox {
  /** Resolves when the event is safe; false when there is no room for it. */
  add(event: object): Promise<boolean>;
  readonly size: number;
  /** After the signal: waits for what is being written. */
  close(): Promise<void>;
}

export interface OutboxOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly spool: Spool;
  /** Throws when it should be tried again. */
  readonly send: (event: object) => Promise<void>;
}

export function createOutbox({ clock, log, signal, spool, send }: OutboxOptions): Outbox {
  let sending: Promise<void> | undefined;
  const sendAll = async () => {
    const backoff = createBackoff({ baseMs: 500, maxMs: 30_000 });
    while (!signal.aborted) {
      const event = await spool.oldest();
      if (event === undefined) return;
      const isSent = await send(event).then(
        () => true,
        (error: unknown) => {
          log.debug('event not sent', { error: String(error) });
          return false;
        },
      );
      if (isSent) {
        await spool.delivered();
        backoff.reset();
      } else await clock.sleep(backoff.next(), signal).catch(() => undefined); // aborted: the loop ends
    }
  };
  const start = () => {
    sending ??= sendAll()
      .catch((error: unknown) => log.error('accounting cannot be read', { error: String(error) }))
      .finally(() => {
        sending = undefined;
      });
  };
  if (spool.size > 0) start();
  return {
    async add(event) {
      const isSafe = await spool.append(event);
      if (isSafe) start();
      return isSafe;
    },
    get size() {
      return spool.size;
    },
    async close() {
      await sending;
      await spool.close();
    },
  };
}
