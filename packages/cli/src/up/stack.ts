// The processes of a single-command installation. One that ends before all are ready ends the start; afterwards it is started
// again where it was, at growing distances, while the others go on. At the end the core goes last, since all others need it.
import { type Clock, createBackoff } from '@gatehouse/daemon/async';
import { type Address, formatAddress } from '@gatehouse/daemon/config';
import { type Child, type ChildExit, startChild } from '@gatehouse/daemon/lifecycle';
import type { DaemonName, Environment } from '../daemons.ts';

const graceMs = 15_000;
const forgivenAfterMs = 60_000;

export interface Ended {
  readonly name: DaemonName;
  readonly exit: ChildExit;
}

export interface Stack {
  /** Starts a daemon and waits until it is ready. @throws GatewayError `ERR_LIFECYCLE_CHILD_DIED` */
  start(name: DaemonName, env: Environment): Promise<Child>;
  /** The first one that ended although nobody asked it to, before `keep`. */
  readonly failure: Promise<Ended>;
  /** From now on what ends is started again. */
  keep(): void;
  /** The processes as they are now, in the order of their start. */
  running(): readonly Running[];
  stop(): Promise<void>;
}

export interface Running {
  readonly name: DaemonName;
  /** Of the latest process, which may have ended. */
  readonly pid: number;
  readonly restarts: number;
}

export interface StackOptions {
  /** Of the `gatehouse` command, which each of them runs. */
  readonly script: string;
  readonly clock: Clock;
  /** Gets the raw log lines of all of them. */
  readonly onLine: (raw: string) => void;
  /** One ended, and is started again in `waitMs`. */
  readonly onEnd: (ended: Ended, waitMs: number) => void;
  /** One that had ended is ready again. */
  readonly onReturn: (name: DaemonName) => void;
}

interface Member {
  readonly name: DaemonName;
  child: Child;
  restarts: number;
}

export function createStack(options: StackOptions): Stack {
  const { script, clock, onLine } = options;
  const members: Member[] = [];
  const end = new AbortController();
  let kept = false;
  let fail: (ended: Ended) => void = () => undefined;
  const failure = new Promise<Ended>((resolve) => {
    fail = resolve;
  });
  const launch = (name: DaemonName, env: Environment) =>
    startChild({ name, file: script, args: [name], env, onLine: (_line, raw) => onLine(raw) });
  const look = async (member: Member, env: Environment): Promise<void> => {
    const backoff = createBackoff({ baseMs: 500, maxMs: 30_000 });
    let where = env;
    for (;;) {
      const startedMs = clock.monotonicMs();
      const exit = await member.child.exited;
      if (end.signal.aborted) return;
      if (!kept) return fail({ name: member.name, exit });
      if (clock.monotonicMs() - startedMs > forgivenAfterMs) backoff.reset();
      const waitMs = backoff.next();
      options.onEnd({ name: member.name, exit }, waitMs);
      await clock.sleep(waitMs, end.signal).catch(() => undefined); // the end
      if (end.signal.aborted) return;
      where = { ...where, ...sameAddresses(member) };
      member.child = launch(member.name, where);
      member.restarts += 1;
      member.child.ready.then(
        () => options.onReturn(member.name),
        () => undefined, // it ended again, which is the next turn
      );
    }
  };
  return {
    failure,
    async start(name, env) {
      const member: Member = { name, child: launch(name, env), restarts: 0 };
      members.push(member);
      void look(member, env);
      await member.child.ready;
      return member.child;
    },
    keep() {
      kept = true;
    },
    running: () => members.map(({ name, child, restarts }) => ({ name, pid: child.pid ?? 0, restarts })),
    async stop() {
      end.abort(new Error('everything is stopped'));
      const [core, others] = [true, false].map((is) => members.filter(({ name }) => (name === 'core') === is));
      for (const group of [others ?? [], core ?? []]) await Promise.all(group.map(({ child }) => child.stop(graceMs)));
    },
  };
}

/** A successor is where its predecessor was, also where the system had chosen the port: others know it by its address. */
function sameAddresses({ name, child }: Member): Environment {
  const bound = [...child.listeners].map(([component, addresses]) => {
    const setting = name === 'core' && component === 'http' ? 'CORE' : component.toUpperCase();
    return [`AUTHENTIK_LISTEN__${setting}`, addresses.map(formatAddress).join(',')];
  });
  return Object.fromEntries(bound);
}

export function addressOf(child: Child, component: string): Address | undefined {
  return child.listeners.get(component)?.[0];
}
