// Keeps the core running and knows how it is (router.md §16.2): the state machine of state.ts, driven by a process, its
// exits, and probes. A core elsewhere is only probed. Callers ask `state`, `target` and are told of changes.
import type { Clock } from '@gatehouse/daemon/async';
import type { ChildExit } from '@gatehouse/daemon/lifecycle';
import type { Logger } from '@gatehouse/daemon/log';
import type { CoreTarget } from '../forwarding/core-connection.ts';
import { advance, type CoreAction, type CoreEvent, type CoreState, type Supervision, stopped } from './state.ts';

/** A started core; made by `spawn-core.ts`, or by a test. */
export interface CoreProcess {
  /** Where it listens, once it has said so. */
  target(): CoreTarget | undefined;
  readonly exited: Promise<ChildExit>;
  stop(graceMs: number): Promise<ChildExit>;
}

export interface CoreWatchOptions {
  /** How to start one; or where one is, that others look after. */
  readonly core: { readonly spawn: () => CoreProcess } | { readonly at: CoreTarget };
  readonly probe: (target: CoreTarget) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onChange?: (state: CoreState) => void;
  readonly random?: () => number;
}

const startingProbeMs = 250;
const healthyProbeMs = 10_000;
const remoteProbeMs = 2_000;
const stopGraceMs = 35_000;

export class CoreWatch implements AsyncDisposable {
  readonly #options: CoreWatchOptions;
  readonly #end = new AbortController();
  readonly #loop: Promise<void>;
  #now: Supervision = stopped;
  #process: CoreProcess | undefined;
  #probing: Promise<void> | undefined;
  #wake = new AbortController();
  #restarts = 0;

  constructor(options: CoreWatchOptions) {
    this.#options = options;
    this.#dispatch({ kind: 'start' });
    this.#loop = this.#probeAlong();
  }

  get state(): CoreState {
    return this.#now.state;
  }

  /** Processes started after the first. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Where requests go; `undefined` while nothing listens. */
  get target(): CoreTarget | undefined {
    const { core } = this.#options;
    return 'at' in core ? core.at : this.#process?.target();
  }

  /** Asks at once instead of at the next turn: for a request that found the core gone. Many callers share one probe. */
  probeNow(): Promise<void> {
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  /** Ends the core and does not start it again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new Error('router is ending'));
    const running = this.#process;
    this.#dispatch({ kind: 'drain' });
    await running?.exited;
    await this.#loop;
  }

  async #probe(): Promise<void> {
    const { target } = this;
    const healthy = target !== undefined && (await this.#options.probe(target));
    // An answer of a process that has been replaced meanwhile says nothing about the new one.
    if (target === this.target) this.#dispatch({ kind: 'probe', healthy });
  }

  async #probeAlong(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await this.probeNow();
      this.#wake = new AbortController();
      const awake = AbortSignal.any([signal, this.#wake.signal]);
      await this.#options.clock.sleep(this.#probeEveryMs(), awake).catch(() => undefined); // the end, or a new state
    }
  }

  #probeEveryMs(): number {
    if (this.state === 'starting' || this.state === 'restarting') return startingProbeMs;
    return 'at' in this.#options.core ? remoteProbeMs : healthyProbeMs;
  }

  #dispatch(event: CoreEvent): void {
    const { clock, random = Math.random } = this.#options;
    const before = this.#now.state;
    const [next, actions] = advance(this.#now, event, clock.monotonicMs(), 0.8 + 0.4 * random());
    this.#now = next;
    for (const action of actions) this.#perform(action);
    if (next.state === before) return;
    this.#wake.abort(); // what is asked how often depends on the state
    this.#report(before, next.state);
    this.#options.onChange?.(next.state);
  }

  #perform(action: CoreAction): void {
    if (action.do === 'spawn') this.#spawn();
    if (action.do === 'kill') void this.#process?.stop(stopGraceMs); // its exit is an event of its own
    if (action.do === 'wait') void this.#waitForRestart(action.ms);
  }

  async #waitForRestart(ms: number): Promise<void> {
    this.#options.log.warn('core is started again', { component: 'core', wait_ms: Math.round(ms) });
    try {
      await this.#options.clock.sleep(ms, this.#end.signal);
    } catch {
      return; // the router is ending
    }
    this.#restarts += 1;
    this.#dispatch({ kind: 'restart-due' });
  }

  #spawn(): void {
    const { core } = this.#options;
    if ('at' in core) return;
    const started = core.spawn();
    this.#process = started;
    void this.#follow(started);
  }

  async #follow(started: CoreProcess): Promise<void> {
    const exit = await started.exited;
    if (this.#process === started) this.#process = undefined;
    const level = this.#end.signal.aborted ? 'info' : 'error';
    this.#options.log[level]('core ended', {
      component: 'core',
      ...(exit.code === undefined ? {} : { status: exit.code }),
      ...(exit.signal === undefined ? {} : { signal: exit.signal }),
      ...(exit.complaint === undefined ? {} : { error: exit.complaint.event }),
    });
    this.#dispatch({ kind: 'exit' });
  }

  #report(before: CoreState, state: CoreState): void {
    const { log } = this.#options;
    if (state === 'healthy') log.info('core is healthy', { component: 'core' });
    else if (state === 'degraded') log.warn('core does not answer its probes', { component: 'core' });
    else log.debug('core state', { component: 'core', mode: `${before} → ${state}` });
  }
}
