// Faults that every outpost can have with its core.
import { GatewayError } from '@gatehouse/daemon/errors';

export type OutpostErrorCode = 'ERR_OUTPOST_NO_OUTPOST' | 'ERR_OUTPOST_WRONG_TYPE' | 'ERR_OUTPOST_NO_PROVIDER';

const hints: Readonly<Record<OutpostErrorCode, string>> = {
  ERR_OUTPOST_NO_OUTPOST: 'The token belongs to no outpost: copy it anew from the outpost in the core.',
  ERR_OUTPOST_WRONG_TYPE: 'Use the token of an outpost of this kind.',
  ERR_OUTPOST_NO_PROVIDER: 'Add a provider, with an application, to the outpost in the core.',
};

export function outpostError(code: OutpostErrorCode, message: string, cause?: unknown): GatewayError<OutpostErrorCode> {
  return new GatewayError(code, message, { hint: hints[code], ...(cause === undefined ? {} : { cause }) });
}
