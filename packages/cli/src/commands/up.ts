// `gatehouse up`: the whole of it on one machine, from one command. Core on its private PostgreSQL, front door with the
// embedded proxy, LDAP and RADIUS outposts and a demo site behind a login, seeded on the first start; tells what to try once
// a bind over the wire and the login of the demo site have been proved.
import { mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Address, parseAddress } from '@gatehouse/daemon/config';
import { describeExit } from '@gatehouse/daemon/lifecycle';
import type { Environment } from '../daemons.ts';
import { cliError, formatError } from '../errors.ts';
import { memoryOf } from '../status/memory.ts';
import { serveStatusPage } from '../status/page.ts';
import { writeRunFile } from '../status/run-file.ts';
import { watchInstallation } from '../status/watch.ts';
import { claimFolder } from '../up/claim.ts';
import { webPathOf } from '../up/environments.ts';
import { loadSecrets, type Secrets } from '../up/secrets.ts';
import { createStack, type Stack } from '../up/stack.ts';
import { type Started, startAll } from '../up/start-all.ts';
import { formatSummary } from '../up/summary.ts';

export interface UpOptions {
  /** Of the command itself; its processes run it, too. */
  readonly script: string;
  readonly dataDir: string;
  readonly env: Environment;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  readonly colour: boolean;
  /** Resolves when somebody wants an end. */
  readonly stopped: Promise<unknown>;
}

/** Runs until it is stopped or one of its processes ends. @returns the exit code */
export async function up(options: UpOptions): Promise<number> {
  const startedMs = performance.now();
  const dataDir = resolve(options.dataDir);
  const secrets = await loadSecrets(dataDir);
  await using _claim = await claimFolder(dataDir);
  const log = await openLog(dataDir);
  const stack = createStack(options.script, (raw) => void log.appendFile(`${raw}\n`));
  const closing = new Closing();
  const ended = stack.failure.then(({ name, exit }) => {
    const hint = exit.complaint?.['hint'];
    const advice = typeof hint === 'string' && hint !== '' ? `${hint}\n` : '';
    options.complain(
      `${describeExit(name, exit)}\n${advice}The whole story is in ${join(dataDir, 'gatehouse.log')}.\n`,
    );
    return 2;
  });
  try {
    const run = startAll(stack, { dataDir, secrets, env: options.env }, closing).then(async (started) => {
      await tell(started, { ...options, dataDir, secrets, closing, tookMs: performance.now() - startedMs });
      return options.stopped.then(() => 0);
    });
    return await Promise.race([run, ended, options.stopped.then(() => 0)]);
  } catch (error) {
    options.complain(formatError(error));
    return 1;
  } finally {
    await stopAll(stack, closing);
    await log.close();
  }
}

interface Telling extends UpOptions {
  readonly secrets: Secrets;
  readonly closing: Closing;
  readonly tookMs: number;
}

/** Leaves word for `gatehouse status`, opens its page, and prints what to try. */
async function tell({ listeners, run }: Started, options: Telling): Promise<void> {
  const { dataDir, closing, env } = options;
  const startedAt = new Date(Date.now() - options.tookMs).toISOString();
  closing.use(await writeRunFile(dataDir, { pid: process.pid, startedAt, ...run }));
  const look = watchInstallation({ processes: run.processes, dataDir, core: run.core, since: startedAt });
  const page = await serveStatusPage(statusAddress(env), look);
  closing.use(page);
  const memoryBytes = await memoryOf(process.pid);
  options.print(formatSummary({ ...options, listeners, webPath: webPathOf(env), status: page.address, memoryBytes }));
}

function statusAddress(env: Environment): Address {
  return parseAddress(env['AUTHENTIK_LISTEN__STATUS'] ?? '') ?? { host: '127.0.0.1', port: 9304 };
}

/** What has to be closed at the end, newest first. */
export class Closing {
  readonly #open: AsyncDisposable[] = [];

  use(one: AsyncDisposable): void {
    this.#open.unshift(one);
  }

  async close(): Promise<void> {
    for (const one of this.#open.splice(0)) await one[Symbol.asyncDispose]();
  }
}

async function stopAll(stack: Stack, closing: Closing): Promise<void> {
  await closing.close();
  await stack.stop();
}

async function openLog(dataDir: string) {
  const file = join(dataDir, 'gatehouse.log');
  try {
    await mkdir(dataDir, { recursive: true });
    return await open(file, 'a', 0o600);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw cliError(
      'ERR_CLI_DATA_FOLDER',
      `The log ${file} cannot be written: ${reason}.`,
      'Choose another data folder.',
      cause,
    );
  }
}
