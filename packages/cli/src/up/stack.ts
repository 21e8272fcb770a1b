// The processes of a single-command installation: started in the order in which they need one another, stopped in reverse,
// and all of them when one ends by itself.
import type { Address } from '@gatehouse/daemon/config';
import { type Child, type ChildExit, startChild } from '@gatehouse/daemon/lifecycle';
import type { DaemonName, Environment } from '../daemons.ts';

const graceMs = 15_000;

export interface Stack {
  /** Starts a daemon and waits until it is ready. @throws GatewayError `ERR_LIFECYCLE_CHILD_DIED` */
  start(name: DaemonName, env: Environment): Promise<Child>;
  /** The first one that ended although nobody asked it to. */
  readonly failure: Promise<{ readonly name: string; readonly exit: ChildExit }>;
  stop(): Promise<void>;
}

/**
 * @param script of the `gatehouse` command, which each of them runs
 * @param onLine gets the raw log lines of all of them
 */
export function createStack(script: string, onLine: (raw: string) => void): Stack {
  const children: Child[] = [];
  let stopping = false;
  let fail: (failure: { name: string; exit: ChildExit }) => void = () => undefined;
  const failure = new Promise<{ name: string; exit: ChildExit }>((resolve) => {
    fail = resolve;
  });
  return {
    failure,
    async start(name, env) {
      const child = startChild({ name, file: script, args: [name], env, onLine: (_line, raw) => onLine(raw) });
      children.unshift(child);
      void child.exited.then((exit) => {
        if (!stopping) fail({ name, exit });
      });
      await child.ready;
      return child;
    },
    async stop() {
      stopping = true;
      for (const child of children) await child.stop(graceMs);
    },
  };
}

export function addressOf(child: Child, component: string): Address | undefined {
  return child.listeners.get(component)?.[0];
}
