// Codes of the router's own faults, and the one table from a fault on the way to the core to what the client sees
// (router.md §11.2).
import { GatewayError } from '@gatehouse/daemon/errors';

export type RouterErrorCode = 'ERR_ROUTER_NO_LISTENER' | 'ERR_ROUTER_ASSET_MANIFEST';

/** A fault of the router; `hint` says what to do. */
export function routerError(code: RouterErrorCode, message: string, hint: string, cause?: unknown): RouterError {
  return new GatewayError(code, message, { hint, ...(cause === undefined ? {} : { cause }) });
}

export type RouterError = GatewayError<RouterErrorCode>;

/** Status and public text of each situation; internals stay in the log. */
export const situations = {
  starting: { status: 503, text: 'authentik starting' },
  unreachable: { status: 502, text: 'the identity core did not answer' },
  tooSlow: { status: 504, text: 'the identity core took too long' },
  tooLarge: { status: 413, text: 'request body too large' },
  failed: { status: 500, text: 'internal error' },
  tooBusy: { status: 503, text: 'too many requests are waiting' },
} as const;
export type Situation = keyof typeof situations;
