// Why a login does not hold (WISHES P1), from what is known of it here: the cause by name for the log, and in a sentence
// for whoever reads the page.
import type { GatewayError } from '@gatehouse/daemon/errors';
import type { Application } from '../applications/application.ts';
import { parseAuthority } from '../request/host-name.ts';
import { clientScheme, type Incoming, requestHost } from '../request/incoming.ts';

export interface Trouble {
  readonly cause: 'clock' | 'issuer' | 'cookie domain' | 'scheme' | 'token call' | 'cookie' | 'session store';
  readonly text: string;
}

/** Sessions that are over before the application has answered. */
const shortestLifeS = 60;

/**
 * Of logins that were completed, or could not be because their cookie was not there, and led back to a login.
 * @param lifeS how long the last session was to live when it began, if one did
 */
export function loopTrouble(application: Application, request: Incoming, lifeS: number | undefined): Trouble {
  const { cookie, external, externalHost, mode, sessionLifeMs } = application;
  if (cookie.secure && clientScheme(request) === 'http') {
    const text = `The external host is ${externalHost.origin}, so the session cookie is for https only, but this request came over http: correct the external host, or let the reverse proxy send X-Forwarded-Proto.`;
    return { cause: 'scheme', text };
  }
  const configuredS = Math.floor(sessionLifeMs / 1000) - 1; // §8.4: one second is added
  if (configuredS < shortestLifeS) {
    const text = `Sessions of this provider last ${configuredS} s: raise its access token validity, and compare the clocks of this machine and the core.`;
    return { cause: 'clock', text };
  }
  if (lifeS !== undefined && lifeS < shortestLifeS) {
    const text = `The core's tokens are good for ${configuredS} s, but by the clock of this machine the last one had ${lifeS} s left when it came: set the clocks of this machine and the core.`;
    return { cause: 'clock', text };
  }
  if (mode === 'forward_domain') {
    const text = `The session cookie is set for the domain "${cookie.domain}" by ${externalHost.host}: the application's host must lie below it.`;
    return { cause: 'cookie domain', text };
  }
  const asked = parseAuthority(requestHost(request))?.host;
  if (asked !== undefined && asked !== external.authority.host) {
    const text = `The session cookie is set for ${externalHost.host}, but this request is for ${asked}: the browser must use the external host.`;
    return { cause: 'cookie domain', text };
  }
  const text = `The session cookie does not come back: the external host is ${externalHost.origin}, and the browser must use exactly that; cookies must not be blocked.`;
  return { cause: 'cookie', text };
}

/** Of a login that failed at its end. */
export function failureTrouble({ endpoints }: Application, error: GatewayError): Trouble {
  const text = error.message;
  if (error.code === 'ERR_PROXY_SESSION_STORE')
    return { cause: 'session store', text: 'the session could not be kept' };
  if (error.code !== 'ERR_PROXY_TOKEN_INVALID') return { cause: 'token call', text };
  const { claim, told } = failedClaim(error.cause);
  if (claim === 'iss') {
    const expected = endpoints.issuers.join(' or ');
    return {
      cause: 'issuer',
      text: `The token was issued by ${told}, not by ${expected}: let AUTHENTIK_HOST_BROWSER, or authentik_host of the outpost, be the name under which browsers reach the core.`,
    };
  }
  if (claim === 'exp' || claim === 'nbf') {
    const when = claim === 'exp' ? 'is over' : 'is not good yet';
    return {
      cause: 'clock',
      text: `By the clock of this machine the token ${when} (${told}): set the clocks of this machine and the core.`,
    };
  }
  return { cause: 'token call', text };
}

/** Which claim of a token was wrong, as the verification says it, and what it says. */
function failedClaim(cause: unknown): { readonly claim?: unknown; readonly told?: string } {
  if (typeof cause !== 'object' || cause === null || !('claim' in cause) || !('payload' in cause)) return {};
  const { claim, payload } = cause;
  const value: unknown = Object(payload)[String(claim)];
  const told = typeof value === 'number' ? new Date(value * 1000).toISOString() : String(value);
  return { claim, told };
}
