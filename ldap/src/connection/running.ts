// An operation under way, as its handler sees it. Its signal is made only for those who ask for it.
import { type Control, extendedOid, type MessageId, writeMessage } from '@gatehouse/wire/ldap';
import type { Entry } from '../directory/entry.ts';
import type { Selection } from '../directory/selection.ts';
import type { EntryOutput, OperationContext, Peer } from '../operations/context.ts';
import type { ResponseWriter } from './writer.ts';

/** What all operations of a connection share. */
export type Surroundings = Pick<OperationContext, 'core' | 'config' | 'log' | 'metrics' | 'clock'>;

export class RunningOperation implements OperationContext, EntryOutput {
  readonly peer: Peer;
  readonly core: OperationContext['core'];
  readonly config: OperationContext['config'];
  readonly log: OperationContext['log'];
  readonly metrics: OperationContext['metrics'];
  readonly clock: OperationContext['clock'];
  readonly messageId: MessageId;
  readonly controls: readonly Control[];
  readonly isBind: boolean;
  readonly changesPassword: boolean;
  readonly #writer: ResponseWriter;
  #controller: AbortController | undefined;
  #stopped: Error | undefined;

  constructor(
    peer: Peer,
    around: Surroundings,
    message: {
      readonly messageId: MessageId;
      readonly controls: readonly Control[];
      readonly op: { readonly op: string; readonly name?: string };
    },
    writer: ResponseWriter,
  ) {
    this.peer = peer;
    this.core = around.core;
    this.config = around.config;
    this.log = around.log;
    this.metrics = around.metrics;
    this.clock = around.clock;
    this.messageId = message.messageId;
    this.controls = message.controls;
    this.isBind = message.op.op === 'bindRequest';
    this.changesPassword = message.op.name === extendedOid.passwordModify;
    this.#writer = writer;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#stopped !== undefined) this.#controller.abort(this.#stopped);
    }
    return this.#controller.signal;
  }

  /** Why nobody waits for the answer any more. */
  get stopped(): Error | undefined {
    return this.#stopped;
  }

  stop(reason: Error): void {
    this.#stopped ??= reason;
    this.#controller?.abort(reason);
  }

  get output(): EntryOutput {
    return this;
  }

  /** Entries of an operation that was stopped go nowhere. */
  write(entry: Entry, selection: Selection): void {
    if (this.#stopped === undefined) selection.write(entry, this.messageId, this.#writer);
  }

  writeEncoded(op: Buffer): void {
    if (this.#stopped === undefined) writeMessage(this.messageId, op, this.#writer);
  }

  flush(): Promise<void> | undefined {
    this.#writer.flush();
    return this.#writer.behind;
  }
}
