// Entry `@gatehouse/daemon/log`. Users: everything that runs. The logger is passed and gets narrower (STYLE 37).
import type { LogFields } from './fields.ts';

export { type BufferedOutput, bufferedOutput } from './buffered-output.ts';
export type { LogFields } from './fields.ts';
export { createLogger, type LoggerOptions, prettyOutput } from './logger.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** Writes one JSON line per call. `event` is a constant phrase; everything variable is a field. */
export interface Logger {
  child(fields: LogFields): Logger;
  trace(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** Changes the level of this logger and everything derived from the same root. */
  /** Whether a line of this level would be written: for callers whose fields cost something. */
  isEnabled(level: LogLevel): boolean;
  setLevel(level: LogLevel): void;
}
