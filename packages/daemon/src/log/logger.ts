// The logger on pino: the one file that imports it. Keys by core-contract §1.6: timestamp, level, event, logger.
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import type { LogFields } from './fields.ts';
import type { Logger, LogLevel } from './index.ts';

export interface LoggerOptions {
  readonly level: LogLevel | 'warning';
  /** Value of `logger` on each line. */
  readonly name: string;
  /** Default: standard output. */
  readonly destination?: { write(line: string): void };
  /** Text for people instead of JSON. */
  readonly pretty?: boolean;
}

export function createLogger({ level, name, destination, pretty = false }: LoggerOptions): Logger {
  const sink = destination ?? process.stdout;
  const target: DestinationStream = pretty ? prettyOutput(sink) : { write: (line) => void sink.write(line) };
  const root = pino(
    {
      level: pinoLevel(level),
      base: { logger: name },
      messageKey: 'event',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label === 'warn' ? 'warning' : label }) },
    },
    target,
  );
  return wrap(root, root, []);
}

/** Turns lines of JSON into text for people. */
export function prettyOutput(sink: { write(line: string): unknown }): { write(line: string): void } {
  return { write: (line) => void sink.write(prettyLine(line)) };
}

/** Levels are shared by everything derived from one root, so that a later change reaches all of them. */
function wrap(own: PinoLogger, root: PinoLogger, derived: PinoLogger[]): Logger {
  const write =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}) =>
      own[level](fields, event);
  return {
    child(fields) {
      const child = own.child(fields);
      const isLasting = fields.component !== undefined;
      if (isLasting) derived.push(child);
      return wrap(child, root, derived);
    },
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    isEnabled: (level) => own.isLevelEnabled(level),
    setLevel(level) {
      root.level = pinoLevel(level);
      for (const child of derived) child.level = root.level;
    },
  };
}

function pinoLevel(level: LogLevel | 'warning'): string {
  return level === 'warning' ? 'warn' : level;
}

function prettyLine(line: string): string {
  const { timestamp, level, event, logger, ...fields } = JSON.parse(line) as Record<string, unknown>; // our own line, just made
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${String(timestamp).slice(11, 23)} ${String(level).padEnd(7)} ${logger} ${event}${rest.length === 0 ? '' : `  ${rest.join(' ')}`}\n`;
}
