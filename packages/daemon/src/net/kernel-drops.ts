// Datagrams that the kernel threw away because the receive buffer was full: no log of any program has them. Linux counts
// them per socket in /proc/net/udp and udp6, last column; elsewhere nothing is known.
import { readFileSync } from 'node:fs';

/** Sum over the sockets on these ports, in this network namespace; `undefined` where the kernel does not tell. */
export function kernelDrops(ports: readonly number[], folder = '/proc/net'): number | undefined {
  const wanted = new Set(ports);
  let sum: number | undefined;
  for (const name of ['udp', 'udp6']) {
    const lines = readLines(`${folder}/${name}`);
    if (lines === undefined) continue;
    sum ??= 0;
    for (const line of lines.slice(1)) {
      const columns = line.trim().split(/\s+/);
      const port = Number.parseInt(columns[1]?.split(':')[1] ?? '', 16);
      if (wanted.has(port)) sum += Number(columns.at(-1)) || 0;
    }
  }
  return sum;
}

function readLines(path: string): string[] | undefined {
  try {
    return readFileSync(path, 'latin1').trimEnd().split('\n');
  } catch {
    return undefined; // not Linux, or no such family
  }
}
