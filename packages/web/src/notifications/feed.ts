// New notifications as they are made, by the websocket of signed-in browsers (`/ws/client/`). A line that breaks is opened
// again, later each time, and tells that something may have been missed.
import type { Notification } from './notification.ts';

export interface Feed {
  close(): void;
}

export interface Listeners {
  onNotification(notification: Notification): void;
  /** The line was down for a while and is back. */
  onGap(): void;
}

const firstRetryMs = 2_000;
const longestRetryMs = 60_000;

/** @param base URL prefix of everything */
export function openFeed(base: string, { onNotification, onGap }: Listeners): Feed {
  const url = new URL(`${base}ws/client/`, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  let socket: WebSocket | undefined;
  let retryMs = firstRetryMs;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = (isFirst: boolean) => {
    socket = new WebSocket(url);
    socket.addEventListener('open', () => {
      retryMs = firstRetryMs;
      if (!isFirst) onGap();
    });
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data));
      if (message.message_type === 'notification.new') onNotification(message.data);
    });
    socket.addEventListener('close', () => {
      timer = setTimeout(() => open(false), retryMs);
      retryMs = Math.min(longestRetryMs, retryMs * 2);
    });
  };
  open(true);
  return {
    close() {
      clearTimeout(timer);
      timer = undefined;
      const last = socket;
      socket = undefined;
      last?.close();
    },
  };
}
