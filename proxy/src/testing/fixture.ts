// What tests of modes and logins share: names of the fixture's application, and readings of answers.
import { parseState } from '../oidc/login-state.ts';
import type { TestGateway } from './test-gateway.ts';

export const app = 'https://app.company';
export const callbackUri = `${app}/outpost.goauthentik.io/callback?X-authentik-auth-callback=true`;
export const traefik = '/outpost.goauthentik.io/auth/traefik';
export const nginx = '/outpost.goauthentik.io/auth/nginx';
/** Of client id `abc`. */
export const cookieName = 'authentik_proxy_ba7816bf';

const stateKey = { clientId: 'abc', cookieSecret: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345' };

/** What Traefik, Caddy and HAProxy say of the original request. */
export function forwarded(uri: string, host = 'app.company') {
  return { 'x-forwarded-proto': 'https', 'x-forwarded-host': host, 'x-forwarded-uri': uri };
}

export function isRedirectTo(location: string | undefined, start: string): boolean {
  return location?.startsWith(start) === true;
}

/** The state in a redirect to the core. */
export function locationState(gateway: TestGateway, location: string) {
  return parseState(stateKey, new URL(location).searchParams.get('state') ?? '', gateway.clock.now());
}
