// `gatehouse up` on an installation that exists: seconds until everything answers, and memory of all its processes: the sum
// of what is resident (pages shared by several count several times), and the proportional share, which counts each once.
import { readdirSync, readFileSync } from 'node:fs';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { isUp, startUp, stop } from '../../e2e/up/start-up.ts';

const rounds = 3;

export async function warmStart() {
  await using folder = await temporaryFolder();
  const first = startUp(folder.path);
  await isUp(first); // makes and seeds the installation
  await stop(first);
  const seconds: number[] = [];
  let memory = { processes: 0, residentMiB: 0, proportionalMiB: 0 };
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    const running = startUp(folder.path);
    await isUp(running);
    seconds.push(Number(((performance.now() - startedMs) / 1000).toFixed(2)));
    memory = memoryOf(family(running.child.pid ?? 0));
    await stop(running);
  }
  return { seconds: seconds.sort((one, other) => one - other)[rounds >> 1], all: seconds, ...memory };
}

function family(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const children = tasks.flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' '),
  );
  return [pid, ...children.filter((child) => child !== '').flatMap((child) => family(Number(child)))];
}

function memoryOf(pids: readonly number[]) {
  const sum = (field: string) =>
    pids.reduce((total, pid) => {
      const kiB = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
      return total + Number(kiB);
    }, 0);
  return {
    processes: pids.length,
    residentMiB: Math.round(sum('Rss') / 1024),
    proportionalMiB: Math.round(sum('Pss') / 1024),
  };
}
