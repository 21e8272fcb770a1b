// The one error class of the house (STYLE 26–30): a stable code, what happened, what to do next. Every package derives
// its own code union from it; callers compare `code`, never `message`.

/** Codes of this package's own faults, by room. */
export type DaemonErrorCode = 'ERR_CONFIG_INVALID' | 'ERR_NET_BIND' | 'ERR_NET_CIDR' | 'ERR_LIFECYCLE_CHILD_DIED';

/**
 * A fault or refusal that a person must be able to act on.
 * `message` says what, which value and where from; `hint` says what to do; `expose` tells whether the text may leave the
 * process towards a client.
 */
export class GatewayError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly hint: string;
  readonly expose: boolean;

  constructor(code: Code, message: string, options: { hint: string; cause?: unknown; expose?: boolean }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.hint = options.hint;
    this.expose = options.expose ?? false;
  }
}

/** True when `error` is a GatewayError, optionally with exactly this code. */
export function isGatewayError<Code extends string>(error: unknown, code?: Code): error is GatewayError<Code> {
  return error instanceof GatewayError && (code === undefined || error.code === code);
}
