// The `Date` field (RFC 9110 §6.6.1) as a line, made once a second.
import type { Clock } from '@gatehouse/daemon/async';

export function createDateLine(clock: Pick<Clock, 'now'>): () => string {
  let second = -1;
  let line = '';
  return () => {
    const now = Math.floor(clock.now() / 1000);
    if (now !== second) {
      second = now;
      line = `Date: ${new Date(now * 1000).toUTCString()}\r\n`;
    }
    return line;
  };
}
