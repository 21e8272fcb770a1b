// Sessions of visitors in the database (core.md §3.5, flow-executor.md §7.2). Stored under the hash of their key, so that the table
// opens none of them; the hash is also what outposts call a session.
import { randomBytes } from 'node:crypto';
import { sessionId } from '@gatehouse/contract/control-channel';
import type { Clock } from '@gatehouse/daemon/async';
import type { Database } from '../database/connection.ts';
import { planKey } from '../flows/plan.ts';
import type { Connection } from '../models/unit.ts';
import { createChangedKeys } from './changed-keys.ts';
import { isAsStored, mergedData, nextOf, objectOf, type Session, type StoredSession, type Visitor } from './session.ts';
import { current, load, writing } from './statements.ts';

/** Without an explicit duration the server keeps a session for a day after its last write. */
const browserSessionMs = 86_400_000;

/** Two tabs at once need two; nobody needs more than a few. */
const mostTries = 8;

export interface SessionStore {
  /** @param planName of the plan whose pending user is read with it; the plan of no application in particular unless given */
  load(key: string, planName?: string): Promise<Session | undefined>;
  /**
   * @param instead key that the visitor came with. Where that was changed by a login just now, his browser has a new one or is
   * about to get it: the session is for this request only, so that it does not take that one's place
   */
  create(instead?: string): Session;
  /**
   * @param isLook nothing was answered: what another request of this session has stored since it was read stays
   * @returns false when the visitor's cookie is to stay as it is: nothing was stored, because the session has ended, or got a new
   * key, or has been written to, or because a look has changed nothing
   */
  save(session: Session, visitor: Visitor, isLook?: boolean): Promise<boolean>;
  /** Gives the data a new key; the old one is dead once this is stored, and at once if somebody was logged in. */
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
  const changedKeys = createChangedKeys(clock);
  const create = (instead?: string): Session => {
    const key = newSessionKey();
    return {
      ...(instead !== undefined && changedKeys.has(sessionId(instead)) ? { isPassing: true } : {}),
      key,
      id: sessionId(key),
      userPk: undefined,
      data: {},
      durationMs: undefined,
      lastIp: undefined,
      account: undefined,
      isAccountHere: undefined,
      stored: undefined,
    };
  };
  /** Never an upsert: a session that was ended meanwhile must stay ended. */
  const write = async (session: Session, next: StoredSession): Promise<boolean> => {
    const { userPk = null, lastIp, lastUserAgent, lastUsedMs } = next;
    const expires = new Date(endOf(session, lastUsedMs));
    const row = [session.id, userPk, next.data, expires, new Date(lastUsedMs), lastIp, lastUserAgent];
    const [statement, ...more] = writing(session);
    if ((await database.rows(statement, [...row, ...more])).length === 0) return false;
    session.stored = next;
    return true;
  };
  /** Takes over what another request of the session has stored since it was read. @returns false if the session has ended */
  const catchUp = async (session: Session): Promise<boolean> => {
    const [now] = await database.rows(current, [session.id]);
    if (now === undefined || session.stored === undefined) return false;
    const data = objectOf(now.data);
    session.data = mergedData(objectOf(session.stored.data), session.data, data);
    session.stored = { ...session.stored, data: JSON.stringify(data), lastUsedMs: now.last_used.getTime() };
    return true;
  };
  return {
    create,
    end,
    ending: onEnding,
    async load(key, planName = planKey) {
      const id = sessionId(key);
      const [row] = await database.rows(load, [id, new Date(clock.now()), planName]);
      if (row === undefined) return undefined;
      const {
        owner,
        session_data,
        last_ip: lastIp,
        last_user_agent: lastUserAgent,
        last_used,
        is_here,
        ...account
      } = row;
      const data = objectOf(session_data);
      const userPk = owner ?? undefined;
      const duration = data['duration_ms'];
      return {
        key,
        id,
        userPk,
        data,
        durationMs: typeof duration === 'number' ? duration : undefined,
        lastIp,
        account: account.id === null ? undefined : account,
        isAccountHere: is_here ?? undefined,
        stored: { data: JSON.stringify(data), userPk, lastIp, lastUserAgent, lastUsedMs: last_used.getTime() },
      };
    },
    async save(session, visitor, isLook = false) {
      if (session.isPassing === true) return false;
      for (let tries = 0; tries < mostTries; tries += 1) {
        const next = nextOf(session, visitor, clock.now());
        if (session.stored !== undefined && isAsStored(session.stored, next)) return !isLook; // what came with the request is what he has
        if (await write(session, next)) return true;
        if (isLook || session.stored === undefined || !(await catchUp(session))) return false;
      }
      return false;
    },
    async rotate({ stored, id, userPk, data }) {
      const fresh = { ...create(), data: { ...data, started_ms: clock.now() }, userPk };
      if (stored === undefined) return fresh;
      changedKeys.add(id);
      // Nobody was logged in, so nobody has to hear of it.
      if (userPk === undefined) return { ...fresh, replaces: id };
      await end([id]);
      return fresh;
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

function endOf({ data, durationMs }: Session, nowMs: number): number {
  if (durationMs === undefined) return nowMs + browserSessionMs;
  const startedMs = data['started_ms'];
  return (typeof startedMs === 'number' ? startedMs : nowMs) + durationMs;
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
