// Faults of the proxy daemon, each with what to do about it (STYLE 27). Refusals are values, see authentication/verdict.ts.
import { GatewayError } from '@gatehouse/daemon/errors';

export type ProxyErrorCode =
  | 'ERR_PROXY_BACK_CHANNEL'
  | 'ERR_PROXY_CLIENT_GONE'
  | 'ERR_PROXY_NO_UPSTREAM'
  | 'ERR_PROXY_PROVIDER_INVALID'
  | 'ERR_PROXY_RULES_INVALID'
  | 'ERR_PROXY_SESSION_STORE'
  | 'ERR_PROXY_TOKEN_INVALID'
  | 'ERR_PROXY_TOKEN_REFUSED'
  | 'ERR_PROXY_UPSTREAM'
  | 'ERR_PROXY_UPSTREAM_LATE'
  | 'ERR_PROXY_WITHOUT_ALLOW'
  | 'ERR_PROXY_WORKERS';

const hints: Readonly<Record<ProxyErrorCode, string>> = {
  ERR_PROXY_BACK_CHANNEL: 'Check that this machine reaches the core under AUTHENTIK_HOST, and its certificate.',
  ERR_PROXY_CLIENT_GONE: 'Nothing: the client went away before the end.',
  ERR_PROXY_NO_UPSTREAM: 'Check that the applications run; each is tried again after ten seconds.',
  ERR_PROXY_PROVIDER_INVALID: 'Correct the external host of the provider in the core.',
  ERR_PROXY_RULES_INVALID: 'Correct the file named by AKPROXY_RULES; docs/rules.md shows every field.',
  ERR_PROXY_SESSION_STORE:
    'Check the session store named by AKPROXY_SESSION__STORE; requests are refused until it answers.',
  ERR_PROXY_TOKEN_INVALID: "Check the provider's signing key and issuer, and the clocks of this machine and the core.",
  ERR_PROXY_TOKEN_REFUSED: 'Try again; if it stays, compare redirect URI and client secret of the provider.',
  ERR_PROXY_UPSTREAM: 'Check that the application runs and that the internal host of the provider is right.',
  ERR_PROXY_UPSTREAM_LATE:
    'Check what keeps the application, or raise answer_timeout in the file named by AKPROXY_RULES.',
  ERR_PROXY_WITHOUT_ALLOW: 'This is a defect of the daemon: please report it with the request id.',
  ERR_PROXY_WORKERS: 'Use one worker, or the session store directory, cookie, redis or postgresql.',
};

export function proxyError(code: ProxyErrorCode, message: string, cause?: unknown): GatewayError<ProxyErrorCode> {
  return new GatewayError(code, message, { hint: hints[code], ...(cause === undefined ? {} : { cause }) });
}
