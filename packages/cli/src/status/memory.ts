// Memory of processes and their children (Linux): the proportional share, so that pages which PostgreSQL's processes have in
// common count once.
import { readdir, readFile } from 'node:fs/promises';

/** Bytes of a process and everything below it; `undefined` where /proc does not tell. */
export async function memoryOf(root: number): Promise<number | undefined> {
  const parents = await parentsOfAll();
  if (parents === undefined) return undefined;
  const below = (pid: number): number[] => {
    const children = [...parents].filter(([, parent]) => parent === pid).map(([child]) => child);
    return [pid, ...children.flatMap(below)];
  };
  const shares = await Promise.all(below(root).map(shareOf));
  return shares.reduce((sum, one) => sum + one, 0);
}

async function parentsOfAll(): Promise<ReadonlyMap<number, number> | undefined> {
  const entries = await readdir('/proc').catch(() => undefined);
  if (entries === undefined) return undefined;
  const pids = entries.filter((name) => /^\d+$/.test(name)).map(Number);
  const pairs = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      return [pid, parent] as const;
    }),
  );
  return new Map(pairs);
}

/** Zero for a process that has ended meanwhile. */
async function shareOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
}
