// Sessions of visitors (core.md §3.5, flow-executor.md §7.2). Stored under the hash of their key, so that the table opens
// none of them; the hash is also what outposts call a session.
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { sessionId } from '@gatehouse/contract/control-channel';
import type { Clock } from '@gatehouse/daemon/async';
import type { Database, Statement } from '../database/connection.ts';
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
  /** The row, if it exists; a new session without data leaves none. */
  stored: StoredSession | undefined;
}

interface StoredSession {
  /** As JSON. */
  readonly data: string;
  readonly userPk: number | undefined;
  readonly lastIp: string;
  readonly lastUserAgent: string;
  readonly lastUsedMs: number;
}

/** The column holds objects only. */
function objectOf(json: string): Record<string, unknown> {
  const value: unknown = JSON.parse(json);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** A step that changes nothing is not worth a write, unless the row would begin to look forgotten. */
const untouchedMs = 30_000;

function isAsStored(stored: StoredSession, next: StoredSession): boolean {
  return (
    stored.userPk === next.userPk &&
    stored.lastIp === next.lastIp &&
    stored.lastUserAgent === next.lastUserAgent &&
    Math.abs(next.lastUsedMs - stored.lastUsedMs) < untouchedMs &&
    isDeepStrictEqual(JSON.parse(stored.data), JSON.parse(next.data))
  );
}

interface SessionRow {
  readonly user_id: number | null;
  readonly data: string;
  readonly last_ip: string;
  readonly last_user_agent: string;
  readonly last_used: Date;
}

/** What every step of a visitor asks of the table; where he is in a flow may be lost with the power. */
const statements: Readonly<Record<'load' | 'insert' | 'update' | 'forget', Statement<SessionRow>>> = {
  load: {
    name: 'session: load',
    text: 'select user_id, data::text, last_ip, last_user_agent, last_used from sessions where id = $1 and expires > $2',
  },
  insert: {
    name: 'session: insert',
    text: `insert into sessions (id, user_id, data, expires, last_used, last_ip, last_user_agent)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    isRelaxed: true,
  },
  update: {
    name: 'session: update',
    text: `update sessions set user_id = $2, data = $3, expires = $4, last_used = $5, last_ip = $6, last_user_agent = $7
      where id = $1`,
    isRelaxed: true,
  },
  forget: { name: 'session: forget', text: 'delete from sessions where id = $1', isRelaxed: true },
};

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
  const forget = (id: string) => database.rows(statements.forget, [id]);
  const create = (): Session => {
    const key = newSessionKey();
    return {
      key,
      id: sessionId(key),
      userPk: undefined,
      data: {},
      durationMs: undefined,
      lastIp: undefined,
      stored: undefined,
    };
  };
  return {
    create,
    end,
    ending: onEnding,
    async load(key) {
      const id = sessionId(key);
      const [row] = await database.rows(statements.load, [id, new Date(clock.now())]);
      if (row === undefined) return undefined;
      const data = objectOf(row.data);
      const duration = data['duration_ms'];
      return {
        key,
        id,
        userPk: row.user_id ?? undefined,
        data,
        durationMs: typeof duration === 'number' ? duration : undefined,
        lastIp: row.last_ip,
        stored: {
          data: row.data,
          userPk: row.user_id ?? undefined,
          lastIp: row.last_ip,
          lastUserAgent: row.last_user_agent,
          lastUsedMs: row.last_used.getTime(),
        },
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
      const next: StoredSession = {
        data: JSON.stringify(data),
        userPk: session.userPk,
        lastIp: visitor.ip,
        lastUserAgent: visitor.userAgent.slice(0, 400),
        lastUsedMs: nowMs,
      };
      if (session.stored !== undefined && isAsStored(session.stored, next)) return;
      // Never an upsert: a session that was ended meanwhile must stay ended.
      const statement = session.stored === undefined ? statements.insert : statements.update;
      const expires = new Date(fixedEndMs ?? nowMs + browserSessionMs);
      const { userPk = null, lastIp, lastUserAgent } = next;
      await database.rows(statement, [session.id, userPk, next.data, expires, new Date(nowMs), lastIp, lastUserAgent]);
      session.stored = next;
    },
    async rotate({ stored, id, userPk, data }) {
      if (stored !== undefined && userPk === undefined) await forget(id);
      else if (stored !== undefined) await end([id]);
      return { ...create(), data: { ...data, started_ms: clock.now() }, userPk };
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
