// Renewing sessions (proxy.md §17.8): where the core gave a refresh token, a session is renewed when most of its token's life
// is over, once for all requests and, with a shared store, for all replicas: refresh tokens are good once, and using one
// twice ends the session (WISHES P8). The grant being refused ends the session, trouble of the core does not.
import { type Clock, createSingleFlight } from '@gatehouse/daemon/async';
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { Logger } from '@gatehouse/daemon/log';
import type { Application } from '../applications/application.ts';
import type { Tokens } from '../oidc/tokens.ts';
import type { SessionKey, SessionRecord } from './record.ts';
import type { SessionStore } from './store.ts';

export interface Renewal {
  /**
   * The record with a new token; as it was when the core could not be asked.
   * @returns `undefined` when the session is over
   */
  renew(application: Application, key: SessionKey): Promise<SessionRecord | undefined>;
}

export interface RenewalOptions {
  /** What keeps replicas from renewing a session at once, where there is anything. */
  readonly lock?: Pick<SessionStore, 'lock' | 'unlock'>;
  readonly tokens: Pick<Tokens, 'refresh'>;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly log: Logger;
  readonly read: (application: Application, key: SessionKey) => Promise<SessionRecord | undefined>;
  readonly write: (application: Application, key: SessionKey, record: SessionRecord) => Promise<void>;
  /** The core does not take the refresh token of this record. */
  readonly refused: (application: Application, key: SessionKey, record: SessionRecord) => Promise<void>;
  /** The session is over in the core, or somebody else's. */
  readonly end: (key: SessionKey) => Promise<void>;
  /** Share of a token's life after which it is renewed; default 0.8. */
  readonly renewAfter?: number | undefined;
}

const usualShare = 0.8;
const lockMs = 12_000;
const lookEveryMs = 100;
const waitMs = 5_000;

/** When a session is to be renewed, in epoch milliseconds; never, without a refresh token. */
export function renewalAtMs(
  { refreshToken, renewedAtMs, createdAtMs, expiresAtMs }: SessionRecord,
  share = usualShare,
): number {
  if (refreshToken === undefined) return Number.POSITIVE_INFINITY;
  const since = renewedAtMs ?? createdAtMs;
  return since + (expiresAtMs - since) * share;
}

export function createRenewal(options: RenewalOptions): Renewal {
  const { lock, tokens, clock, log, read, write, refused, end, renewAfter } = options;
  const flights = createSingleFlight<SessionKey, SessionRecord | undefined>();
  const isDue = (record: SessionRecord) => clock.now() >= renewalAtMs(record, renewAfter);
  const exchange = async (application: Application, key: SessionKey, before: SessionRecord) => {
    try {
      const renewed = await tokens.refresh(application, before.refreshToken ?? '');
      if (renewed === undefined) {
        await refused(application, key, before);
        log.info('renewal refused', { name: application.name, user: before.claims.preferredUsername });
        return await read(application, key);
      }
      // A token without the core's session means that this session is over there (§7.6).
      const isOver = before.claims.sid !== undefined && renewed.claims.sid === undefined;
      if (isOver || renewed.claims.sub !== before.claims.sub) {
        await end(key);
        log.info('session ended at its renewal', { name: application.name, user: before.claims.preferredUsername });
        return undefined;
      }
      const record: SessionRecord = {
        ...before,
        claims: renewed.claims,
        refreshToken: renewed.refreshToken ?? before.refreshToken,
        renewedAtMs: clock.now(),
        expiresAtMs: Math.min(renewed.claims.exp * 1000, before.endsAtMs ?? Number.POSITIVE_INFINITY),
      };
      await write(application, key, record);
      return record;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      log.warn('session not renewed', { name: application.name, code: error.code, error: error.message });
      return before;
    }
  };
  /** Another replica is at it: what it writes is as good. */
  const wait = async (application: Application, key: SessionKey, before: SessionRecord) => {
    for (let waitedMs = 0; waitedMs < waitMs; waitedMs += lookEveryMs) {
      await clock.sleep(lookEveryMs);
      const now = await read(application, key);
      if (now === undefined || now.renewedAtMs !== before.renewedAtMs) return now;
    }
    return before;
  };
  return {
    renew: (application, key) =>
      flights.run(key, async () => {
        const before = await read(application, key);
        if (before?.refreshToken === undefined || !isDue(before)) return before;
        if ((await lock?.lock?.(key, lockMs)) === false) return wait(application, key, before);
        try {
          // It may have been renewed between our reading and our lock.
          const current = await read(application, key);
          return current === undefined || !isDue(current) ? current : await exchange(application, key, current);
        } finally {
          await lock?.unlock?.(key);
        }
      }),
  };
}
