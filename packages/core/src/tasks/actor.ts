// Work that the core does by itself, now or by the clock (core.md §20.3). Names of actors are part of the API.
import type { TaskLog } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';

export interface TaskRun {
  readonly deps: CoreDeps;
  readonly args: Readonly<Record<string, unknown>>;
  /** Ends when the task has had its time, and when the process stops. */
  readonly signal: AbortSignal;
  /** A line on the task; an `error` marks the task without making it run again. */
  log(level: TaskLog['log_level'], event: string, attributes?: Readonly<Record<string, unknown>>): void;
}

export interface Actor {
  readonly name: string;
  readonly description: string;
  readonly schedule?: {
    /** `~` stands for a value drawn once from the host's and the actor's name. */
    readonly crontab: string;
    readonly onStartup?: boolean;
    readonly paused?: boolean;
  };
  /** Throwing makes it run again, up to five times. */
  run(task: TaskRun): Promise<void>;
}
