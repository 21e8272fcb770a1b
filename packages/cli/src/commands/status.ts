// `gatehouse status`: what runs, how it is, and what it complained about last; live in a terminal, once for a pipe.
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAddress } from '@gatehouse/daemon/config';
import { cliError } from '../errors.ts';
import type { Watched } from '../status/collect.ts';
import { readRunFile } from '../status/run-file.ts';
import { formatTable } from '../status/table.ts';
import { type WatchOptions, watchInstallation } from '../status/watch.ts';

const everyMs = 2_000;
const clearScreen = '\u001b[H\u001b[2J';

export interface StatusOptions {
  readonly dataDir: string;
  /** `name=address:port` of metrics, for daemons that were started one by one. */
  readonly process: readonly string[];
  readonly once: boolean;
  readonly json: boolean;
  readonly live: boolean;
  readonly width: number;
  readonly colour: boolean;
  readonly print: (text: string) => void;
  readonly stopped: Promise<unknown>;
}

/** @returns exit code: 0 when everything is ready, 1 otherwise */
export async function status(options: StatusOptions): Promise<number> {
  const look = watchInstallation(await targets(options));
  const isLive = options.live && !options.once && !options.json;
  let stopped = false;
  void options.stopped.then(() => {
    stopped = true;
  });
  let seen = await look();
  for (;;) {
    const table = options.json ? `${JSON.stringify(seen, null, 2)}\n` : formatTable(seen, options);
    options.print(isLive ? clearScreen + table : table);
    if (!isLive || stopped) return seen.processes.every(({ state }) => state === 'ready') ? 0 : 1;
    await Promise.race([sleep(everyMs), options.stopped]);
    seen = await look();
  }
}

async function targets({ dataDir, process: named }: StatusOptions): Promise<WatchOptions> {
  if (named.length > 0) {
    const targets = named.map(readTarget);
    return { processes: async () => targets, dataDir: undefined, core: undefined };
  }
  const folder = resolve(dataDir);
  let run = await readRunFile(folder);
  const processes = async () => {
    run = await readRunFile(folder).catch(() => run); // of an installation that has ended: its processes are down
    return run.processes;
  };
  return { processes, dataDir: folder, core: run.core, since: run.startedAt };
}

function readTarget(given: string): Watched {
  const at = given.indexOf('=');
  const metrics = parseAddress(given.slice(at + 1));
  if (at > 0 && metrics !== undefined) return { name: given.slice(0, at), metrics };
  throw cliError('ERR_CLI_USAGE', `"${given}" is no process.`, 'Write --process ldap=127.0.0.1:9300.');
}
