// Sessions of visitors (core.md §3.5, flow-executor.md §7.2). Stored under the hash of their key, so that the table opens
// none of them; the hash is also what outposts call a session.
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { sessionId } from '@gatehouse/contract/control-channel';
import type { Clock } from '@gatehouse/daemon/async';
import type { Database, Statement } from '../database/connection.ts';
import type { Value } from '../database/prepared.ts';
import { planKey } from '../flows/plan.ts';
import { type PrincipalRow, rightsOfUser } from '../identity/permissions.ts';
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
  /** Who is logged in, else whom the session's flow is about, as read together with it; the latter without rights. */
  readonly account: PrincipalRow | undefined;
  /** Where that is whom the flow is about: whether somebody is logged in as him at {@link lastIp}, as of the same moment. */
  readonly isAccountHere: boolean | undefined;
  /** The session whose data this one takes over; it is deleted when this one is stored, which is not done without it. */
  readonly replaces?: string;
  /** Never stored; see `SessionStore.create`. */
  readonly isPassing?: boolean;
  /** The row, if it exists; a new session without data leaves none. */
  stored: StoredSession | undefined;
}

interface StoredSession {
  /** As JSON of ours, which is not that of the column. */
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
    isSameData(stored.data, next.data)
  );
}

/** The database keeps names in an order of its own; what differs in more than order nearly always differs in length. */
function isSameData(one: string, other: string): boolean {
  return one.length === other.length && isDeepStrictEqual(JSON.parse(one), JSON.parse(other));
}

interface SessionRow {
  readonly owner: number | null;
  readonly session_data: string;
  readonly last_ip: string;
  readonly last_user_agent: string;
  readonly last_used: Date;
  readonly is_here: boolean | null;
}

const planned = `s.data #>> array[$3, 'context', 'pending_user', 'pk']`;

/** With the account that nearly every request asks for next: who is logged in, else whom the flow is about. */
const load: Statement<SessionRow & (PrincipalRow | { readonly [Column in keyof PrincipalRow]: null })> = {
  name: 'session: load',
  text: `select s.user_id as owner, s.data::text as session_data, s.last_ip, s.last_user_agent, s.last_used, u.*,
      case when s.user_id is null then '[]' else ${rightsOfUser} end as rights, case when s.user_id is null
        then exists (select 1 from sessions o where o.user_id = u.id and o.last_ip = s.last_ip) end as is_here
    from sessions s left join users u
      on u.id = coalesce(s.user_id, case when ${planned} ~ '^[0-9]{1,9}$' then (${planned})::integer end)
    where s.id = $1 and s.expires > $2`,
};

const current: Statement<{ data: string; last_used: Date }> = {
  name: 'session: as it is now',
  text: 'select data::text, last_used from sessions where id = $1',
};
/** Two tabs at once need two; nobody needs more than a few. */
const mostTries = 8;

/** What this request has changed over what another one has stored; of what both have, this one's. */
function mergedData(
  before: Readonly<Record<string, unknown>>,
  ours: Readonly<Record<string, unknown>>,
  theirs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged = { ...theirs };
  for (const name of new Set([...Object.keys(before), ...Object.keys(ours)])) {
    if (isDeepStrictEqual(before[name], ours[name])) continue;
    if (name in ours) merged[name] = ours[name];
    else delete merged[name];
  }
  return merged;
}

/** Always later than what is stored, so that requests see each other's writes. */
function nextOf(
  { userPk, data, durationMs, stored }: Session,
  { ip, userAgent }: Visitor,
  nowMs: number,
): StoredSession {
  return {
    data: JSON.stringify(durationMs === undefined ? data : { ...data, duration_ms: durationMs }),
    userPk,
    lastIp: ip,
    lastUserAgent: userAgent.slice(0, 400),
    lastUsedMs: Math.max(nowMs, (stored?.lastUsedMs ?? 0) + 1),
  };
}

function endOf({ data, durationMs }: Session, nowMs: number): number {
  if (durationMs === undefined) return nowMs + browserSessionMs;
  const startedMs = data['started_ms'];
  return (typeof startedMs === 'number' ? startedMs : nowMs) + durationMs;
}

const inserted = 'insert into sessions (id, user_id, data, expires, last_used, last_ip, last_user_agent)';

const updated = `update sessions
  set user_id = $2, data = $3, expires = $4, last_used = $5, last_ip = $6, last_user_agent = $7 where id = $1`;

/** What every step of a visitor asks of the table; where he is in a flow may be lost with the power. */
const statements: Readonly<Record<'insert' | 'replace' | 'update', Statement<{ id: string }>>> = {
  insert: {
    name: 'session: insert',
    text: `${inserted} values ($1, $2, $3, $4, $5, $6, $7) returning id`,
    isRelaxed: true,
    isBrief: true,
  },
  replace: {
    name: 'session: replace',
    text: `with replaced as (delete from sessions where id = $8 returning 1)
      ${inserted} select $1, $2, $3, $4, $5, $6, $7 from replaced returning id`,
    isRelaxed: true,
    isBrief: true,
  },
  update: {
    name: 'session: update',
    text: `${updated} and last_used = $8 returning id`,
    isRelaxed: true,
    isBrief: true,
  },
};

/** The statement, and what it needs besides the row. The second of two tabs that log in at once finds nothing to replace. */
function writing({ stored, replaces }: Session): readonly [Statement<{ id: string }>, ...Value[]] {
  if (stored !== undefined) return [statements.update, new Date(stored.lastUsedMs)];
  return replaces === undefined ? [statements.insert] : [statements.replace, replaces];
}

export interface Visitor {
  readonly ip: string;
  readonly userAgent: string;
}

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

/** As long as a request may have been on its way, and what it was answered with. */
const changingMs = 10_000;
const mostChanged = 10_000;

/** Sessions of this process that a login has given another key just now. */
function createChangedKeys(clock: Pick<Clock, 'now'>) {
  const untilMs = new Map<string, number>();
  return {
    add(id: string): void {
      const [oldest] = untilMs.keys();
      if (untilMs.size >= mostChanged && oldest !== undefined) untilMs.delete(oldest);
      untilMs.set(id, clock.now() + changingMs);
    },
    has: (id: string) => (untilMs.get(id) ?? 0) > clock.now(),
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
