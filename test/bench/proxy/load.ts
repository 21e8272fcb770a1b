// The load: wrk with one thread, so many connections, one request at a time on each. It costs a third of what a generator in
// Node does, and shares its core with the application only.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Load {
  readonly port: number;
  readonly request: Request;
  readonly connections: number;
  /** Whole seconds. */
  readonly seconds: number;
}

export interface Request {
  readonly target: string;
  /** Header fields as `Name: value`, Host among them. */
  readonly lines: readonly string[];
}

export interface Measured {
  readonly answers: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers above 399, and connections that broke. */
  readonly failed: number;
}

const run = promisify(execFile);
const script = join(import.meta.dirname, 'wrk.lua');

export async function measure({ port, request, connections, seconds }: Load): Promise<Measured> {
  const fields = request.lines.flatMap((line) => ['-H', line]);
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, ...fields];
  const { stdout } = await run('wrk', [...options, `http://127.0.0.1:${port}${request.target}`]);
  const told = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  const { answers, us, p50Us, p99Us, failed } = told;
  const ms = (value: number) => Number((value / 1000).toFixed(2));
  return { answers, perSecond: Math.round((answers * 1e6) / us), p50Ms: ms(p50Us), p99Ms: ms(p99Us), failed };
}
