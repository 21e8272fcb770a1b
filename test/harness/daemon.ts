// Starts one daemon of the built command on free ports, in a folder of its own, and stops it with the test. Used by
// everything in `test/` that needs a process; many may run at once.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Address } from '@gatehouse/daemon/config';
import { type ChildExit, type ChildLine, startChild } from '@gatehouse/daemon/lifecycle';
import { temporaryFolder } from '@gatehouse/daemon/testing';

const root = join(import.meta.dirname, '../..');

/** Script of the `gatehouse` command in a few files, as `npm start` and whoever installs it run it; `npm run build` leaves it. */
export const commandFile = join(root, 'packages/cli/dist/bundle/gatehouse.js');

/** The same command in its modules, as `tsc -b` leaves it. */
export const unbundledFile = join(root, 'packages/cli/dist/main.js');

export interface StartOptions {
  /** Settings; listeners are on free loopback ports unless given here. */
  readonly env?: Readonly<Record<string, string>>;
  /** Flags after the daemon's name. */
  readonly args?: readonly string[];
}

export interface RunningDaemon extends AsyncDisposable {
  readonly pid: number | undefined;
  /** The one address of a component such as `ldap`, `https`, `metrics`. @throws when it does not listen */
  bound(component: string): Address;
  /** What it has logged so far, the latest 100,000 lines at least. */
  readonly lines: readonly ChildLine[];
  readonly exited: Promise<ChildExit>;
  /** SIGTERM, waited for; also by leaving the scope of `await using`. */
  stop(): Promise<ChildExit>;
}

const listeners = ['HTTP', 'HTTPS', 'LDAP', 'LDAPS', 'RADIUS', 'RADSEC', 'ACCOUNTING', 'METRICS'] as const;
const stopGraceMs = 15_000;
const maxLines = 200_000;

/**
 * Starts `gatehouse <name>` and waits for its `ready` line.
 * @throws GatewayError `ERR_LIFECYCLE_CHILD_DIED` with the daemon's own complaint
 */
export async function startDaemon(name: string, options: StartOptions = {}): Promise<RunningDaemon> {
  checkCommand();
  const folder = await temporaryFolder();
  const lines: ChildLine[] = [];
  const child = startChild({
    name,
    file: commandFile,
    args: [name, ...(options.args ?? [])],
    cwd: folder.path,
    env: { ...inherited(), ...freeListeners(), TMPDIR: folder.path, ...options.env },
    onLine: (line) => {
      lines.push(line);
      if (lines.length > maxLines) lines.splice(0, maxLines / 2); // a soak logs for hours
    },
  });
  const stop = () => child.stop(stopGraceMs);
  const dispose = async () => {
    await stop();
    await folder[Symbol.asyncDispose]();
  };
  await child.ready.catch(async (error: unknown) => {
    await dispose();
    throw error;
  });
  const bound = (component: string) => {
    const [address, ...others] = child.listeners.get(component) ?? [];
    if (address !== undefined && others.length === 0) return address;
    throw new Error(`${name} has ${others.length === 0 ? 'no' : 'several'} listeners for ${component}`);
  };
  return { pid: child.pid, lines, exited: child.exited, bound, stop, [Symbol.asyncDispose]: dispose };
}

/** A command that is older than what was compiled would test the code of yesterday. @throws Error with what to do */
function checkCommand(): void {
  const madeMs = (path: string) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const packages = readdirSync(join(root, 'packages'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const workspaces = ['ldap', 'radius', 'proxy', 'router', ...packages.map(({ name }) => `packages/${name}`)];
  const compiledMs = Math.max(...workspaces.map((name) => madeMs(`${name}/tsconfig.tsbuildinfo`)));
  if (madeMs('packages/cli/dist/bundle/gatehouse.js') < compiledMs)
    throw new Error(`${commandFile} is missing or older than the compiled code: run "npm run build" before this test.`);
}

/** What a daemon needs of our own environment; nothing that could configure it. */
function inherited(): Record<string, string | undefined> {
  return { PATH: process.env['PATH'], HOME: process.env['HOME'], LANG: process.env['LANG'] };
}

function freeListeners(): Record<string, string> {
  return Object.fromEntries(listeners.map((listener) => [`AUTHENTIK_LISTEN__${listener}`, '127.0.0.1:0']));
}
