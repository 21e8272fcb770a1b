// Sessions of visitors (core.md §3.5, flow-executor.md §7.2). Stored under the hash of their key, so that the table opens
// none of them; the hash is also what outposts call a session.
import { randomBytes } from 'node:crypto';
import { sessionId } from '@gatehouse/contract/control-channel';
import type { Clock } from '@gatehouse/daemon/async';
import type { Database } from '../database/connection.ts';
import type { Connection } from '../models/unit.ts';

/** Without an explicit duration the server keeps a session for a day after its last write. */
const browserSessionMs = 86_400_000;

export interface Session {
  /** Known to the visitor and to this request only. */
  readonly key: string;
  readonly id: string;
  userPk: number | undefined;
  data: Record<string, unknown>;
  /** Explicit duration, which the cookie then carries; `undefined` for a session of the browser's length. */
  durationMs: number | undefined;
  /** Address of the last request; `undefined` for a new session. */
  readonly lastIp: string | undefined;
  /** Whether the row exists; a new session without data leaves none. */
  stored: boolean;
}

export interface Visitor {
  readonly ip: string;
  readonly userAgent: string;
}

export interface SessionStore {
  load(key: string): Promise<Session | undefined>;
  create(): Session;
  save(session: Session, visitor: Visitor): Promise<void>;
  /** Gives the data a new key; the old one is dead at once. */
  rotate(session: Session): Promise<Session>;
  end(sessionIds: readonly string[]): Promise<void>;
  /** For sessions that are about to go with something else, in its transaction. */
  ending(db: Connection, sessionIds: readonly string[]): Promise<void>;
  /** Sessions of a user, without the kept one. */
  endUser(userPk: number, keep?: string): Promise<void>;
  /** Deletes what has run out. @returns how many were authenticated */
  sweep(): Promise<number>;
}

export interface SessionStoreOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** Called before sessions end, in the transaction that ends them. */
  readonly onEnding: (db: Connection, ids: readonly string[]) => Promise<void>;
  /** Called with the ids of authenticated sessions that ended. */
  readonly onEnded: (ids: readonly string[]) => Promise<void>;
}

export function createSessionStore({ database, clock, onEnding, onEnded }: SessionStoreOptions): SessionStore {
  const { kysely } = database;
  const end = async (ids: readonly string[]) => {
    if (ids.length === 0) return;
    const rows = await kysely.transaction().execute(async (db) => {
      await onEnding(db, ids);
      return db
        .deleteFrom('sessions')
        .where('id', 'in', [...ids])
        .returning(['id', 'user_id'])
        .execute();
    });
    const authenticated = rows.filter(({ user_id }) => user_id !== null).map(({ id }) => id);
    if (authenticated.length > 0) await onEnded(authenticated);
  };
  /** Nobody was logged in, so nobody has to hear of it. */
  const forget = (id: string) => kysely.deleteFrom('sessions').where('id', '=', id).execute();
  const create = (): Session => {
    const key = newSessionKey();
    return {
      key,
      id: sessionId(key),
      userPk: undefined,
      data: {},
      durationMs: undefined,
      lastIp: undefined,
      stored: false,
    };
  };
  return {
    create,
    end,
    ending: onEnding,
    async load(key) {
      const id = sessionId(key);
      const row = await kysely
        .selectFrom('sessions')
        .select(['user_id', 'data', 'last_ip'])
        .where('id', '=', id)
        .where('expires', '>', new Date(clock.now()))
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const duration = row.data['duration_ms'];
      return {
        key,
        id,
        userPk: row.user_id ?? undefined,
        data: row.data,
        durationMs: typeof duration === 'number' ? duration : undefined,
        lastIp: row.last_ip,
        stored: true,
      };
    },
    async save(session, visitor) {
      const nowMs = clock.now();
      const startedMs = session.data['started_ms'];
      const fixedEndMs =
        session.durationMs === undefined
          ? undefined
          : (typeof startedMs === 'number' ? startedMs : nowMs) + session.durationMs;
      const data =
        session.durationMs === undefined ? session.data : { ...session.data, duration_ms: session.durationMs };
      const row = {
        user_id: session.userPk ?? null,
        data: JSON.stringify(data),
        expires: new Date(fixedEndMs ?? nowMs + browserSessionMs),
        last_used: new Date(nowMs),
        last_ip: visitor.ip,
        last_user_agent: visitor.userAgent.slice(0, 400),
      };
      if (session.stored) {
        // Not an upsert: a session that was ended meanwhile must stay ended.
        await database.relaxed.updateTable('sessions').set(row).where('id', '=', session.id).execute();
      } else {
        await database.relaxed
          .insertInto('sessions')
          .values({ id: session.id, ...row })
          .execute();
        session.stored = true;
      }
    },
    async rotate(session) {
      if (session.stored && session.userPk === undefined) await forget(session.id);
      else if (session.stored) await end([session.id]);
      return { ...create(), data: { ...session.data, started_ms: clock.now() }, userPk: session.userPk };
    },
    async endUser(userPk, keep) {
      const rows = await kysely.selectFrom('sessions').select('id').where('user_id', '=', userPk).execute();
      await end(rows.map(({ id }) => id).filter((id) => id !== keep));
    },
    async sweep() {
      const rows = await kysely
        .selectFrom('sessions')
        .select('id')
        .where('expires', '<=', new Date(clock.now()))
        .limit(1000)
        .execute();
      await end(rows.map(({ id }) => id));
      return rows.length;
    },
  };
}

/** 32 characters of `[a-z0-9]`, 165 bits. */
function newSessionKey(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  let key = '';
  while (key.length < 32) {
    for (const byte of randomBytes(48)) {
      if (byte < 252 && key.length < 32) key += letters.charAt(byte % 36); // 252 = 7 × 36: every letter equally likely
    }
  }
  return key;
}
