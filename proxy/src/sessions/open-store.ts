// Opens the session store that the settings name.
import type { Clock } from '@gatehouse/daemon/async';
import type { Secret } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import { proxyError } from '../errors.ts';
import { defaultStoreLimits, type SessionStore } from './store.ts';

export interface StoreSettings {
  readonly store: 'directory' | 'memory' | 'cookie' | 'redis' | 'postgresql';
  readonly path: string;
  readonly url: Secret | undefined;
  readonly per_user: number;
  /** Longest life of a session that is renewed, in milliseconds. */
  readonly longest: number;
}

/** Loads the one store that is asked for: drivers of the others cost memory. @throws GatewayError `ERR_PROXY_SESSION_STORE` when it cannot be used */
export async function openSessionStore(
  settings: StoreSettings,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<SessionStore> {
  const limits = { ...defaultStoreLimits, perUserCap: settings.per_user };
  switch (settings.store) {
    case 'memory':
      return (await import('./memory-store.ts')).createMemoryStore(clock, limits);
    case 'directory':
      return (await import('./directory-store.ts')).openDirectoryStore({ path: settings.path, clock, limits, log });
    case 'cookie':
      return (await import('./cookie-store.ts')).openCookieStore({ path: settings.path, clock, limits, log });
    case 'redis':
      return (await import('./redis-store.ts')).openRedisStore({ url: urlOf(settings), clock, limits, log });
    case 'postgresql':
      return (await import('./postgres-store.ts')).openPostgresStore({ url: urlOf(settings), clock, limits, log });
  }
}

function urlOf({ store, url }: StoreSettings): Secret {
  if (url !== undefined) return url;
  throw proxyError('ERR_PROXY_SESSION_STORE', `The session store "${store}" needs AKPROXY_SESSION__URL.`);
}
