// Starts the core as a child of the router, on a loopback port of its own choice. Called by main.ts through the watch.
import { fileURLToPath } from 'node:url';
import { type ChildLine, startChild } from '@gatehouse/daemon/lifecycle';
import type { CoreTarget } from '../forwarding/core-connection.ts';
import type { CoreProcess } from './core-watch.ts';

export interface SpawnOptions {
  /** Empty: ours. */
  readonly script: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly maxHeaderBytes: number;
  /** Of the core; 0: one of its own choice. */
  readonly port?: number;
  /** Lines of the core go to our own standard output; its `listening` and `ready` must not be taken for ours. */
  readonly onLine: (raw: string) => void;
}

export interface SpawnedCore extends CoreProcess {
  /** Port of the core's own metrics. */
  metricsTarget(): CoreTarget | undefined;
  /** What it does before it is ready, for people who wait; `undefined` when it has not said. */
  detail(): string | undefined;
}

/** Lines of a starting core, and what they mean to whoever sees the starting page. */
const steps: ReadonlyMap<string, string> = new Map([
  ['preparing the database', 'The database is being started and brought up to date.'],
  ['setting up default objects', 'Default flows and objects are being set up.'],
]);

export function spawnCore({ script, env, maxHeaderBytes, onLine, port = 0 }: SpawnOptions): SpawnedCore {
  let detail: string | undefined;
  const child = startChild({
    name: 'core',
    file: script === '' ? fileURLToPath(new URL('./core-entry.js', import.meta.url)) : script,
    args: [],
    env: {
      ...env,
      // What passed the router's own limit must not fail at the core's, which is Node's 16 KiB otherwise.
      NODE_OPTIONS: `${env['NODE_OPTIONS'] ?? ''} --max-http-header-size=${maxHeaderBytes}`.trim(),
      AUTHENTIK_LISTEN__CORE: `127.0.0.1:${port}`,
      AUTHENTIK_LISTEN__METRICS: '127.0.0.1:0',
      AUTHENTIK_INSTANCE_NAME: 'core',
    },
    onLine: (line, raw) => {
      detail = line.event === 'ready' ? undefined : (steps.get(line.event) ?? detail);
      onLine(renamed(line) ?? raw);
    },
  });
  // One object per process: the connections to the core are replaced when the object is another.
  const known = new Map<string, CoreTarget>();
  const targetOf = (component: string): CoreTarget | undefined => {
    const address = child.listeners.get(component)?.[0];
    if (address === undefined) return undefined;
    const target = known.get(component) ?? { kind: 'tcp' as const, ...address };
    known.set(component, target);
    return target;
  };
  return {
    target: () => targetOf('http'),
    metricsTarget: () => targetOf('metrics'),
    detail: () => detail,
    exited: child.exited,
    stop: (graceMs) => child.stop(graceMs),
  };
}

function renamed(line: ChildLine): string | undefined {
  const isOurs = line.event === 'listening' || line.event === 'ready';
  return isOurs ? JSON.stringify({ ...line, event: `core ${line.event}` }) : undefined;
}
