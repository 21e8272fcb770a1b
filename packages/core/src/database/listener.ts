// Notifications between core processes: one connection of its own, since LISTEN belongs to a connection; opened again when
// it is lost. Whoever remembers something until a notification says otherwise must know of gaps, and can ask whether all
// that was committed so far has been heard: notifications and answers come in order on one connection.
import type { Logger } from '@gatehouse/daemon/log';

export type Channel =
  | 'client_message'
  | 'configuration_changed'
  | 'directory_changed'
  | 'outpost_message'
  | 'settings_changed'
  | 'task_queued';

/** What a listener needs of a connection; queries fail by themselves when no answer comes. */
export interface ListeningClient {
  connect(): Promise<unknown>;
  query(text: string): Promise<unknown>;
  end(): Promise<void>;
  on(event: 'notification', listener: (told: { channel: string; payload?: string | undefined }) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
}

export interface Listener {
  /** Calls `onPayload` for each notification, also of this process. */
  listen(channel: Channel, onPayload: (payload: string) => void): Promise<void>;
  /** Called as soon as notifications may have been missed. */
  onGap(listener: () => void): void;
  /** Whether everything committed before this call has been told; false while the connection is lost. One round trip. */
  caughtUp(): Promise<boolean>;
  close(): Promise<void>;
}

const retryMs = 500;

export function createListener(open: () => ListeningClient, log: Logger): Listener {
  const subscriptions: [Channel, (payload: string) => void][] = [];
  const gaps: (() => void)[] = [];
  let client: ListeningClient | undefined;
  let closed = false;
  let retry: NodeJS.Timeout | undefined;
  const connect = async (): Promise<void> => {
    const fresh = open();
    fresh.on('notification', ({ channel, payload = '' }) => {
      for (const [name, onPayload] of subscriptions) if (name === channel) onPayload(payload);
    });
    fresh.on('error', (error) => {
      log.warn('database notifications lost', { error: error.message });
      lose(fresh);
    });
    fresh.on('end', () => lose(fresh));
    await fresh.connect();
    for (const [name] of subscriptions) await fresh.query(`listen ${name}`);
    client = fresh;
  };
  const lose = (lost: ListeningClient) => {
    if (client !== lost || closed) return;
    client = undefined;
    lost.end().catch(() => undefined); // it is of no use any more, in whatever state it is
    for (const tell of gaps) tell();
    schedule();
  };
  const schedule = () => {
    if (!closed) retry = setTimeout(() => connect().catch(schedule), retryMs);
  };
  return {
    async listen(channel, onPayload) {
      subscriptions.push([channel, onPayload]);
      if (client === undefined) await connect();
      else await client.query(`listen ${channel}`);
    },
    onGap: (listener) => void gaps.push(listener),
    async caughtUp() {
      const asked = client;
      if (asked === undefined) return false;
      try {
        await asked.query('select 1');
        return asked === client;
      } catch (error) {
        log.warn('database notifications lost', { error: error instanceof Error ? error.message : String(error) });
        lose(asked);
        return false;
      }
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      await client?.end();
    },
  };
}
