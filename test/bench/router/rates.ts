// Requests per second and CPU time per request of several servers at the same target, in turns; the medians and their ratios.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cpuMs } from '../proxy/servers.ts';

const run = promisify(execFile);

export interface Contender {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

export interface RateOptions {
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
}

interface Sample {
  readonly perSecond: number;
  readonly cpuUs: number;
}

/** @returns per contender its median, and the router's rate as a share of everybody else's */
export async function rates(path: string, contenders: readonly Contender[], options: RateOptions) {
  const samples = new Map<string, Sample[]>();
  for (const contender of contenders) await measure(contender, path, { ...options, seconds: 1 }); // warm
  for (let round = 0; round < options.rounds; round++) {
    for (const contender of contenders) {
      const sample = await measure(contender, path, options);
      samples.set(contender.name, [...(samples.get(contender.name) ?? []), sample]);
    }
  }
  const median = Object.fromEntries([...samples].map(([name, given]) => [name, middle(given)]));
  const own = median['router'] ?? { perSecond: 0, cpuUs: 0 };
  const of = Object.entries(median).filter(([name]) => name !== 'router');
  const ratios = of.map(([name, { perSecond }]) => [name, Number((own.perSecond / perSecond).toFixed(2))]);
  return { ratios: Object.fromEntries(ratios), median };
}

async function measure({ port, pid }: Contender, path: string, { seconds, connections }: RateOptions): Promise<Sample> {
  const before = cpuMs(pid);
  const url = `http://127.0.0.1:${port}${path}`;
  const { stdout } = await run('taskset', ['-c', '1', 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, url]);
  const spentMs = cpuMs(pid) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (/Non-2xx/.test(stdout) || !(requests > 0)) throw new Error(`${url} did not answer: ${stdout}`);
  const perSecond = Math.round(Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]));
  return { perSecond, cpuUs: Number(((spentMs * 1_000) / requests).toFixed(1)) };
}

function middle(samples: readonly Sample[]): Sample {
  const sorted = samples.toSorted((one, other) => one.perSecond - other.perSecond);
  return sorted[sorted.length >> 1] ?? { perSecond: 0, cpuUs: 0 };
}
