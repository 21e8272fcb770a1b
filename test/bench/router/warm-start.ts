// `gatehouse up` on an installation that exists: seconds until everything answers, and memory of all its processes: the sum
// of what is resident (pages shared by several count several times), and the proportional share, which counts each once; when
// everything answers, and at rest.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { isUp, startUp, stop } from '../../e2e/up/start-up.ts';

const rounds = 3;
/** Connections to the database that the start needed and nobody uses are closed after ten seconds. */
const untilRestMs = 15_000;

export async function warmStart() {
  await using folder = await temporaryFolder();
  const first = startUp(folder.path);
  await isUp(first); // makes and seeds the installation
  await stop(first);
  const seconds: number[] = [];
  let whenReady = memoryOf([]);
  let atRest = memoryOf([]);
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    const running = startUp(folder.path);
    await isUp(running);
    seconds.push(Number(((performance.now() - startedMs) / 1000).toFixed(2)));
    whenReady = memoryOf(family(running.child.pid ?? 0));
    if (round === rounds - 1) {
      await wait(untilRestMs);
      atRest = memoryOf(family(running.child.pid ?? 0));
    }
    await stop(running);
  }
  return { seconds: seconds.sort((one, other) => one - other)[rounds >> 1], all: seconds, whenReady, atRest };
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
