// The life of a daemon process: signals, drain, exit codes (core-contract §1.10, B19). The only place that ends a process.
import { once } from 'node:events';
import { isGatewayError } from '../errors.ts';
import type { Logger } from '../log/index.ts';

export const exitCode = { success: 0, configuration: 1, fatal: 2 } as const;

export interface ProcessContext {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Called by the first signal, newest first, each waited for; up to `drainMs` in all. */
  onDrain(step: () => Promise<void>): void;
}

export interface ProcessOptions {
  readonly log: Logger;
  /** Default 10 s. */
  readonly drainMs?: number;
}

/**
 * Runs `main`, then waits for a signal, drains and returns the exit code. A second signal ends the process at once; so
 * does the end of a parent process that started us with a channel ({@link startChild}). Whatever `main` throws, then or
 * later, is logged with code and hint.
 */
export async function runProcess(
  options: ProcessOptions,
  main: (context: ProcessContext) => Promise<void>,
): Promise<number> {
  const { log, drainMs = 10_000 } = options;
  const steps: (() => Promise<void>)[] = [];
  using ending = listenForTheEnd(log);
  const { signal } = ending;
  try {
    await main({ signal, onDrain: (step) => void steps.unshift(step) });
    if (!signal.aborted) await once(signal, 'abort');
  } catch (error) {
    if (!signal.aborted) ending.fail(error);
  }
  await drain(log, steps, drainMs);
  log.info('stopped', {});
  return ending.code();
}

interface Ending extends Disposable {
  readonly signal: AbortSignal;
  fail(error: unknown): void;
  code(): number;
}

function listenForTheEnd(log: Logger): Ending {
  const ending = new AbortController();
  let code: number = exitCode.success;
  const stop = (reason: string) => {
    if (ending.signal.aborted) process.exit(exitCode.fatal);
    log.info('stopping', { signal: reason });
    ending.abort(new Error(`stopped by ${reason}`));
  };
  const fail = (error: unknown) => {
    const failed = reportFatal(log, error);
    if (ending.signal.aborted) return;
    code = failed;
    ending.abort(error);
  };
  const onDisconnect = () => stop('end of the parent process');
  // A log that nobody reads any more (EPIPE) is no reason to end, and telling of it would fail in the same way.
  const onUnreadLog = () => undefined;
  process.stdout.on('error', onUnreadLog);
  process.on('SIGINT', stop).on('SIGTERM', stop).on('uncaughtException', fail);
  if (process.connected) process.on('disconnect', onDisconnect);
  return {
    signal: ending.signal,
    fail,
    code: () => code,
    [Symbol.dispose]() {
      process.stdout.off('error', onUnreadLog);
      process.off('SIGINT', stop).off('SIGTERM', stop).off('uncaughtException', fail).off('disconnect', onDisconnect);
    },
  };
}

/** Logs a failure that ends the process. @returns the exit code: 1 for settings, 2 for everything else */
export function reportFatal(log: Logger, error: unknown): number {
  if (isGatewayError(error)) {
    log.error('cannot go on', { code: error.code, error: error.message, hint: error.hint });
    return error.code === 'ERR_CONFIG_INVALID' ? exitCode.configuration : exitCode.fatal;
  }
  const shown = error instanceof Error ? { error: error.message, stack: error.stack ?? '' } : { error: String(error) };
  log.error('cannot go on', shown);
  return exitCode.fatal;
}

async function drain(log: Logger, steps: readonly (() => Promise<void>)[], drainMs: number): Promise<void> {
  const work = (async () => {
    for (const step of steps)
      await step().catch((error: unknown) => log.warn('drain step failed', { error: String(error) }));
  })();
  const limit = new Promise<void>((resolve) => setTimeout(() => resolve(), drainMs).unref());
  await Promise.race([work, limit]);
}
