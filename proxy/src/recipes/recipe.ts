// Configurations of the reverse proxies in front of us (proxy.md §14): one description gives every recipe. What is printed
// in docs/reverse-proxies is made by this and compared in a test, and test/interop runs these very texts with the real
// servers, so that a recipe that is copied is a recipe that works.
import { apache } from './apache.ts';
import { caddy } from './caddy.ts';
import { envoy } from './envoy.ts';
import { haproxy, haproxyLua } from './haproxy.ts';
import { nginx } from './nginx.ts';
import { traefik } from './traefik.ts';

/** Where everything is. */
export interface RecipeSite {
  /** `host[:port]` of the application as browsers write it. */
  readonly publicHost: string;
  /** What the reverse proxy listens on: `80`, `127.0.0.1:8080`. */
  readonly listen: string;
  /** `host:port` of this daemon. */
  readonly outpost: string;
  /** `host:port` of the application. */
  readonly application: string;
  /** Name of the session cookie; shown in the log at start, and by `gatehouse proxy explain`. */
  readonly cookieName: string;
}

export const recipes = {
  apache,
  caddy,
  envoy,
  haproxy,
  'haproxy-lua': haproxyLua,
  nginx,
  traefik,
} as const satisfies Record<string, (site: RecipeSite) => string>;

export type RecipeName = keyof typeof recipes;

/** Names that an application is told by, in the order of proxy.md §9.2. */
export { identityHeaderNames } from '../identity/identity-headers.ts';

/** The values that the printed recipes have. */
export const exampleSite: RecipeSite = {
  publicHost: 'app.company',
  listen: '80',
  outpost: '127.0.0.1:9000',
  application: '127.0.0.1:8081',
  cookieName: 'authentik_proxy_0a1b2c3d',
};
