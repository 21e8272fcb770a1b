// The life of a daemon process: signals, drain, exit codes (core-contract §1.10, B19). The only place that ends a process.
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
 * Runs `main`, then waits for a signal, drains and returns the exit code. A second signal ends the process at once.
 * Whatever `main` throws is logged with code and hint.
 */
export async function runProcess(
  options: ProcessOptions,
  main: (context: ProcessContext) => Promise<void>,
): Promise<number> {
  const { log, drainMs = 10_000 } = options;
  const ending = new AbortController();
  const steps: (() => Promise<void>)[] = [];
  const onSignal = (name: NodeJS.Signals) => {
    if (ending.signal.aborted) process.exit(exitCode.fatal);
    log.info('stopping', { signal: name });
    ending.abort(new Error(`stopped by ${name}`));
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let code: number = exitCode.success;
  try {
    await main({ signal: ending.signal, onDrain: (step) => void steps.unshift(step) });
    if (!ending.signal.aborted)
      await new Promise<void>((resolve) => ending.signal.addEventListener('abort', () => resolve(), { once: true }));
  } catch (error) {
    if (!ending.signal.aborted) code = reportFatal(log, error);
    if (!ending.signal.aborted) ending.abort(error);
  }
  await drain(log, steps, drainMs);
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  log.info('stopped', {});
  return code;
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
