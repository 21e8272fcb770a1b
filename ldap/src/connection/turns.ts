// Whose turn it is on one connection: up to a number of operations side by side, binds and StartTLS by themselves, everything else
// behind them in order (RFC 4511 §4.2.1, RFC 4513 §4); and who is stopped by abandon (RFC 4511 §4.11) and cancel (RFC 3909).
import {
  decodeCancel,
  extendedOid,
  type LdapMessage,
  type MessageId,
  type RequestOp,
  type ResultCode,
  resultCode,
} from '@gatehouse/wire/ldap';
import type { RunningOperation } from './running.ts';

/** ldap.md §2.1. */
const mostInFlight = 32;

/** Why an operation is stopped that is answered all the same. */
export class Canceled extends Error {}

export class Turns {
  /** Operations that wait for something; most are over before they get here. */
  readonly #running = new Map<MessageId, RunningOperation>();
  readonly #waiting: LdapMessage<RequestOp>[] = [];

  get idle(): boolean {
    return this.#running.size === 0;
  }

  /** So many wait that nothing more should be read. */
  get isFull(): boolean {
    return this.#waiting.length >= mostInFlight;
  }

  get changesPassword(): boolean {
    return [...this.#running.values()].some(({ changesPassword }) => changesPassword);
  }

  /** @returns whether it may start now; if not, `next` gives it back when it may */
  enter(message: LdapMessage<RequestOp>): boolean {
    if (this.#waiting.length === 0 && !this.#mustWait(message)) return true;
    this.#waiting.push(message);
    return false;
  }

  begin(operation: RunningOperation): void {
    this.#running.set(operation.messageId, operation);
  }

  end(operation: RunningOperation): void {
    this.#running.delete(operation.messageId);
  }

  next(): LdapMessage<RequestOp> | undefined {
    const [message] = this.#waiting;
    if (message === undefined || this.#mustWait(message)) return undefined;
    this.#waiting.shift();
    return message;
  }

  /** No answer to either; a bind is not abandoned. */
  abandon(target: MessageId): void {
    const running = this.#running.get(target);
    if (running !== undefined && !running.isBind) running.stop(new Error('abandoned'));
    const at = this.#waiting.findIndex(({ messageId, op }) => messageId === target && op.op !== 'bindRequest');
    if (at !== -1) this.#waiting.splice(at, 1);
  }

  /** @param value of the request. @returns what it is answered with */
  cancel(value: Buffer | undefined): ResultCode {
    const target = cancelTarget(value);
    if (target === undefined) return resultCode.protocolError;
    const running = this.#running.get(target);
    if (running === undefined) return resultCode.noSuchOperation;
    if (running.isBind) return resultCode.cannotCancel;
    running.stop(new Canceled());
    return resultCode.success;
  }

  /** Nobody waits for an answer any more. */
  stopAll(): void {
    this.#waiting.length = 0;
    for (const operation of this.#running.values()) operation.stop(new Error('the client is gone'));
  }

  #mustWait({ op }: LdapMessage<RequestOp>): boolean {
    if (this.#running.size === 0) return false;
    const alone = op.op === 'bindRequest' || isStartTls(op);
    return alone || this.#running.size >= mostInFlight || [...this.#running.values()].some(({ isBind }) => isBind);
  }
}

export function isStartTls(op: RequestOp): boolean {
  return op.op === 'extendedRequest' && op.name === extendedOid.startTls;
}

function cancelTarget(value: Buffer | undefined): MessageId | undefined {
  try {
    return value === undefined ? undefined : decodeCancel(value);
  } catch {
    return undefined; // answered with protocolError
  }
}
