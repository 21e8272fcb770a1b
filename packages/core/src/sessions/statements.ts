// What is asked of the table of sessions.
import type { Statement } from '../database/connection.ts';
import type { Value } from '../database/prepared.ts';
import { type PrincipalRow, rightsOfUser } from '../identity/permissions.ts';
import type { Session } from './session.ts';

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
export const load: Statement<SessionRow & (PrincipalRow | { readonly [Column in keyof PrincipalRow]: null })> = {
  name: 'session: load',
  text: `select s.user_id as owner, s.data::text as session_data, s.last_ip, s.last_user_agent, s.last_used, u.*,
      case when s.user_id is null then '[]' else ${rightsOfUser} end as rights, case when s.user_id is null
        then exists (select 1 from sessions o where o.user_id = u.id and o.last_ip = s.last_ip) end as is_here
    from sessions s left join users u
      on u.id = coalesce(s.user_id, case when ${planned} ~ '^[0-9]{1,9}$' then (${planned})::integer end)
    where s.id = $1 and s.expires > $2`,
};

/** What another request may have stored meanwhile. */
export const current: Statement<{ data: string; last_used: Date }> = {
  name: 'session: as it is now',
  text: 'select data::text, last_used from sessions where id = $1',
};

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
export function writing({ stored, replaces }: Session): readonly [Statement<{ id: string }>, ...Value[]] {
  if (stored !== undefined) return [statements.update, new Date(stored.lastUsedMs)];
  return replaces === undefined ? [statements.insert] : [statements.replace, replaces];
}
