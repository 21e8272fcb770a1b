// `gatehouse up`: the whole of it on one machine, from one command. Core on its private PostgreSQL, front door with the
// embedded proxy, LDAP and RADIUS outposts and a demo site behind a login, seeded on the first start; tells what to try once
// a bind over the wire and the login of the demo site have been proved.
import { resolve } from 'node:path';
import { systemClock } from '@gatehouse/daemon/async';
import { type Address, parseAddress } from '@gatehouse/daemon/config';
import { describeExit } from '@gatehouse/daemon/lifecycle';
import type { Environment } from '../daemons.ts';
import { formatError } from '../errors.ts';
import { kinds } from '../status/collect.ts';
import { memoryOf } from '../status/memory.ts';
import { serveStatusPage } from '../status/page.ts';
import { removeRunFile, writeRunFile } from '../status/run-file.ts';
import { watchInstallation } from '../status/watch.ts';
import { claimFolder } from '../up/claim.ts';
import { webPathOf } from '../up/environments.ts';
import { loadSecrets, type Secrets } from '../up/secrets.ts';
import { createStack, type Ended, type Stack } from '../up/stack.ts';
import { type Started, startAll } from '../up/start-all.ts';
import { openStory } from '../up/story.ts';
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

/** Runs until it is stopped, or one of its processes ends before all are ready. @returns the exit code */
export async function up(options: UpOptions): Promise<number> {
  const startedMs = performance.now();
  const dataDir = resolve(options.dataDir);
  const secrets = await loadSecrets(dataDir);
  await using _claim = await claimFolder(dataDir);
  await using story = await openStory(dataDir, options.complain);
  let note = () => Promise.resolve();
  const stack = createStack({
    script: options.script,
    clock: systemClock,
    onLine: story.write,
    onEnd(ended, waitMs) {
      story.write(lineOf(ended));
      const what = describeExit(ended.name, ended.exit);
      options.complain(
        `${what}\nIt is started again in ${(waitMs / 1000).toFixed(1)} s; the whole story is in ${story.path}.\n`,
      );
    },
    onReturn(name) {
      options.complain(`${name} runs again.\n`);
      note().catch((error: unknown) => options.complain(`gatehouse status cannot be told: ${formatError(error)}`));
    },
  });
  const closing = new Closing();
  const ended = stack.failure.then(({ name, exit }) => {
    const hint = exit.complaint?.['hint'];
    const advice = typeof hint === 'string' && hint !== '' ? `${hint}\n` : '';
    options.complain(`${describeExit(name, exit)}\n${advice}The whole story is in ${story.path}.\n`);
    return 2;
  });
  try {
    const run = startAll(stack, { dataDir, secrets, env: options.env }, closing).then(async (started) => {
      stack.keep();
      note = await tell(started, {
        ...options,
        dataDir,
        secrets,
        closing,
        stack,
        tookMs: performance.now() - startedMs,
      });
      return options.stopped.then(() => 0);
    });
    return await Promise.race([run, ended, options.stopped.then(() => 0)]);
  } catch (error) {
    options.complain(formatError(error));
    return 1;
  } finally {
    await stopAll(stack, closing);
  }
}

interface Telling extends UpOptions {
  readonly secrets: Secrets;
  readonly closing: Closing;
  readonly stack: Stack;
  readonly tookMs: number;
}

/** Leaves word for `gatehouse status`, opens its page, and prints what to try. @returns leaves word anew */
async function tell({ listeners, coreUrl, metrics }: Started, options: Telling): Promise<() => Promise<void>> {
  const { dataDir, closing, env, stack } = options;
  const startedAt = new Date(Date.now() - options.tookMs).toISOString();
  const processes = () => metrics.map((one) => ({ ...processOf(stack, one.name), ...one }));
  const note = () => writeRunFile(dataDir, { pid: process.pid, startedAt, core: coreUrl, processes: processes() });
  await note();
  closing.use({ [Symbol.asyncDispose]: () => removeRunFile(dataDir) });
  const look = watchInstallation({ processes: async () => processes(), dataDir, core: coreUrl, since: startedAt });
  const page = await serveStatusPage(statusAddress(env), look);
  closing.use(page);
  const memoryBytes = await memoryOf(process.pid);
  options.print(formatSummary({ ...options, listeners, webPath: webPathOf(env), status: page.address, memoryBytes }));
  return note;
}

function processOf(stack: Stack, name: string) {
  const { pid, restarts } = stack.running().find((one) => one.name === name) ?? { pid: 0, restarts: 0 };
  return { pid, restarts };
}

/** In the words of whoever ended, so that `gatehouse status` shows it as the last error of that process. */
function lineOf({ name, exit }: Ended): string {
  return JSON.stringify({
    level: 'error',
    logger: kinds[name]?.logger ?? name,
    timestamp: new Date().toISOString(),
    event: 'process ended, and is started again',
    error: describeExit(name, exit),
  });
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
