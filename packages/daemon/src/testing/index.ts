// Entry `@gatehouse/daemon/testing`. Users: tests of every workspace.
import type { Clock, EpochMs } from '../async/clock.ts';
import { createLogger, type Logger } from '../log/index.ts';

export { freePort } from '../net/free-port.ts';
export { createTestAuthority, type Issued, type IssueOptions, type TestAuthority } from './authority.ts';
export { isListening } from './ports.ts';
export { temporaryFolder } from './temporary-folder.ts';

/** A clock that stands until it is turned; sleepers wake in order of their time. */
export function fakeClock(
  startMs = Date.parse('2026-01-01T00:00:00Z'),
): Clock & { advance(ms: number): Promise<void> } {
  let nowMs = startMs;
  const sleepers: { atMs: number; wake: () => void }[] = [];
  return {
    now: () => nowMs as EpochMs,
    monotonicMs: () => nowMs - startMs,
    sleep: (ms, signal) =>
      new Promise<void>((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason);
        const fall = () => {
          sleepers.splice(sleepers.indexOf(sleeper), 1);
          reject(signal?.reason);
        };
        const wake = () => {
          signal?.removeEventListener('abort', fall);
          resolve();
        };
        const sleeper = { atMs: nowMs + ms, wake };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', fall, { once: true });
      }),
    async advance(ms) {
      const endMs = nowMs + ms;
      await new Promise((resolve) => setImmediate(resolve));
      for (;;) {
        const next = sleepers.toSorted((one, other) => one.atMs - other.atMs)[0];
        if (next === undefined || next.atMs > endMs) break;
        sleepers.splice(sleepers.indexOf(next), 1);
        nowMs = next.atMs;
        next.wake();
        await new Promise((resolve) => setImmediate(resolve));
      }
      nowMs = endMs;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

export interface CapturedLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A real logger at trace level whose lines can be read back. */
export function captureLogger(): Logger & { readonly lines: CapturedLine[] } {
  const lines: CapturedLine[] = [];
  const logger = createLogger({
    level: 'trace',
    name: 'test',
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  return { ...logger, lines };
}
