// A child process that speaks our log: knows when it is ready, where it listens, and what its last complaint was. Used by
// `gatehouse up` and by the test harness. The child is a process group of its own, so that a Ctrl-C of the terminal
// reaches it only through us and in our order; it ends by itself when we are gone (see process.ts).
import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Address, parseAddress } from '../config/options.ts';
import { GatewayError } from '../errors.ts';

/** One line of the child: parsed when it is one of ours, else its text as `event`. */
export interface ChildLine {
  readonly event: string;
  readonly level: string;
  readonly [field: string]: unknown;
}

/** How a child ended. `complaint`: the most telling of its lines at error level. */
export interface ChildExit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly complaint: ChildLine | undefined;
}

export interface ChildOptions {
  readonly name: string;
  /** Script for Node. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly onLine?: (line: ChildLine, raw: string) => void;
}

export interface Child {
  readonly name: string;
  readonly pid: number | undefined;
  /** Addresses by component, from the child's `listening` lines; complete once `ready` has resolved. */
  readonly listeners: ReadonlyMap<string, readonly Address[]>;
  /** Resolves with the child's `ready` line. @throws GatewayError `ERR_LIFECYCLE_CHILD_DIED` when it ends before */
  readonly ready: Promise<void>;
  readonly exited: Promise<ChildExit>;
  /** Asks it to end, and ends it after `graceMs`. */
  stop(graceMs: number): Promise<ChildExit>;
}

/** Starts `file` with the Node that runs us. Never throws: a child that cannot start has exited. */
export function startChild(options: ChildOptions): Child {
  const child = fork(options.file, [...options.args], {
    env: { ...options.env },
    detached: true,
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const listeners = new Map<string, readonly Address[]>();
  const ready = deferred();
  let complaint: ChildLine | undefined;
  const drained = readLines(child, (line, raw) => {
    if (line.level === 'error') complaint = moreTelling(complaint, line);
    if (line.event === 'listening') noteListener(listeners, line);
    if (line.event === 'ready') ready.resolve();
    options.onLine?.(line, raw);
  });
  const exited = exitOf(child).then(async ({ code, signal, cause }) => {
    await drained;
    const report = { code, signal, complaint: complaint ?? cause };
    ready.reject(diedBeforeReady(options.name, report));
    return report;
  });
  return { name: options.name, pid: child.pid, listeners, ready: ready.promise, exited, stop: stopper(child, exited) };
}

/** One sentence about an exit, for people. */
export function describeExit(name: string, { code, signal, complaint }: ChildExit): string {
  const how = signal === undefined ? `ended with exit code ${code ?? 'unknown'}` : `was ended by ${signal}`;
  const why = complaint === undefined ? '' : `: ${textOf(complaint, 'error') ?? complaint.event}`;
  return `${name} ${how}${why}`;
}

function diedBeforeReady(name: string, report: ChildExit): GatewayError {
  const hint = report.complaint === undefined ? undefined : textOf(report.complaint, 'hint');
  return new GatewayError('ERR_LIFECYCLE_CHILD_DIED', describeExit(name, report), {
    hint: hint ?? 'Its own log lines say more.',
  });
}

function readLines(child: ChildProcess, onLine: (line: ChildLine, raw: string) => void): Promise<unknown> {
  const streams = [
    { stream: child.stdout, level: 'info' },
    { stream: child.stderr, level: 'error' },
  ];
  return Promise.all(
    streams.map(async ({ stream, level }) => {
      if (stream === null) return;
      for await (const raw of createInterface({ input: stream })) {
        if (raw.trim() !== '') onLine(parseLine(raw) ?? { level, event: raw }, raw);
      }
    }),
  );
}

function parseLine(raw: string): ChildLine | undefined {
  if (!raw.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(raw);
    const isLine = typeof value === 'object' && value !== null && 'event' in value && 'level' in value;
    return isLine ? { ...value, event: String(value.event), level: String(value.level) } : undefined;
  } catch {
    return undefined; // text that happens to begin with a brace
  }
}

/** Our own lines and the message of an exception say more than the frames of its stack. */
function moreTelling(before: ChildLine | undefined, line: ChildLine): ChildLine {
  const isOurs = 'logger' in line;
  return before === undefined || isOurs || (!('logger' in before) && /^\w*Error\b/.test(line.event)) ? line : before;
}

function noteListener(listeners: Map<string, readonly Address[]>, line: ChildLine): void {
  const address = parseAddress(textOf(line, 'addr') ?? '');
  const component = textOf(line, 'component');
  if (address === undefined || component === undefined) return;
  const known = listeners.get(component) ?? [];
  // Workers of one daemon share their addresses, and each says so.
  const isKnown = known.some(({ host, port }) => host === address.host && port === address.port);
  if (!isKnown) listeners.set(component, [...known, address]);
}

function exitOf(child: ChildProcess): Promise<Omit<ChildExit, 'complaint'> & { cause?: ChildLine }> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid !== undefined) return; // a signal or message that did not get through; the exit is still to come
      resolve({ code: undefined, signal: undefined, cause: { level: 'error', event: error.message } });
    });
    child.once('exit', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }));
  });
}

function stopper(child: ChildProcess, exited: Promise<ChildExit>): (graceMs: number) => Promise<ChildExit> {
  return async (graceMs) => {
    child.kill('SIGTERM');
    const impatience = setTimeout(() => child.kill('SIGKILL'), graceMs);
    const report = await exited;
    clearTimeout(impatience);
    return report;
  };
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (reason: unknown) => void } {
  const settle = { resolve: nothing, reject: nothing };
  const promise = new Promise<void>((resolve, reject) => Object.assign(settle, { resolve, reject }));
  promise.catch(nothing); // whoever does not wait for readiness learns of the end by `exited`
  return { promise, ...settle };
}

function nothing(): void {}

function textOf(line: ChildLine, field: string): string | undefined {
  const value = line[field];
  return typeof value === 'string' ? value : undefined;
}
