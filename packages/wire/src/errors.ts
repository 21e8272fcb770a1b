// The two faults of every codec: the input is larger than allowed, or it is not what the protocol says. Pure, so that
// wire depends on nothing.

export type WireErrorCode = 'ERR_WIRE_TOO_LARGE' | 'ERR_WIRE_MALFORMED';

/** Thrown by decoders; after it a stream cannot be resynchronised. */
export class WireError extends Error {
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.name = 'WireError';
    this.code = code;
  }
}

export function malformed(message: string): WireError {
  return new WireError('ERR_WIRE_MALFORMED', message);
}

export function tooLarge(message: string): WireError {
  return new WireError('ERR_WIRE_TOO_LARGE', message);
}
