// The brake on guessing (core.md §23.3): failed logins of an account at an address, of an account anywhere, and of an
// address are counted for a quarter of an hour; past each count's allowance the next attempt has to wait, longer each time.
// A waiting attempt is refused before any password is hashed, and is not counted, so that nobody can be kept out for good.
import { sql } from 'kysely';
import type { Statement } from '../database/connection.ts';
import type { CoreDeps } from '../deps.ts';
import type { FlowRequest } from '../flows/request.ts';

const windowMs = 900_000;

interface Subject {
  readonly key: string;
  /** Failures without any wait. */
  readonly free: number;
  readonly longestMs: number;
}

/** Who tries to log in, from where. */
export interface Attempt {
  readonly account: string;
  readonly ip: string;
  /**
   * An outpost speaks for its client: a mail server or an access point, at whose address everybody logs in. Such an
   * address is never slowed down as a whole.
   */
  readonly isShared: boolean;
}

export function attemptOf(account: string, { clientIp, outpost }: Pick<FlowRequest, 'clientIp' | 'outpost'>): Attempt {
  return { account, ip: clientIp, isShared: outpost !== undefined };
}

function subjectsOf({ account, ip, isShared }: Attempt): readonly Subject[] {
  const name = account.toLowerCase().slice(0, 200);
  return [
    { key: `pair:${ip}:${name}`, free: 10, longestMs: 300_000 },
    { key: `account:${name}`, free: 50, longestMs: 60_000 },
    ...(isShared ? [] : [{ key: `address:${ip}`, free: 200, longestMs: 60_000 }]),
  ];
}

const recentFailures: Statement<{ subject: string; failures: number; failed_at: Date }> = {
  name: 'brake: failures',
  text: 'select subject, failures, failed_at from login_brake where subject = any($1) and failed_at > $2',
  isBrief: true,
};

/** Seconds until the next attempt is looked at; 0: now. One query. */
export async function loginWaitSeconds({ database, clock }: CoreDeps, attempt: Attempt): Promise<number> {
  const subjects = subjectsOf(attempt);
  const now = clock.now();
  const rows = await database.rows(recentFailures, [subjects.map(({ key }) => key), new Date(now - windowMs)]);
  const waits = rows.map(({ subject, failures, failed_at }) => {
    const { free = Number.POSITIVE_INFINITY, longestMs = 0 } = subjects.find(({ key }) => key === subject) ?? {};
    if (failures <= free) return 0;
    const waitMs = Math.min(longestMs, 1000 * 2 ** Math.min(30, failures - free - 1));
    return failed_at.getTime() + waitMs - now;
  });
  return Math.max(0, Math.ceil(Math.max(0, ...waits) / 1000));
}

export async function loginFailed({ database, clock }: CoreDeps, attempt: Attempt): Promise<void> {
  const now = new Date(clock.now());
  const old = new Date(clock.now() - windowMs);
  // In one order always, so that two failures at once cannot wait for each other.
  const rows = subjectsOf(attempt)
    .map(({ key }) => key)
    .sort()
    .map((key) => sql`(${key}, 1, ${now})`);
  await sql`insert into login_brake (subject, failures, failed_at) values ${sql.join(rows)}
    on conflict (subject) do update set
      failures = case when login_brake.failed_at <= ${old} then 1 else login_brake.failures + 1 end,
      failed_at = excluded.failed_at`.execute(database.relaxed);
}

/** What a login forgives: its account, but not the address, since whoever guesses may own an account too. */
export function forgivenBy(attempt: Attempt): string[] {
  return subjectsOf(attempt)
    .map(({ key }) => key)
    .filter((key) => !key.startsWith('address:'));
}

export async function sweepLoginBrake({ database, clock }: CoreDeps): Promise<void> {
  const before = new Date(clock.now() - windowMs);
  await database.kysely.deleteFrom('login_brake').where('failed_at', '<=', before).execute();
}
