// Devices that wait for approval, in the database (RFC 8628 §3.2, core.md §17.5): under the hash of the code that the device
// holds; the short one for people is shown as it is, and lives as briefly.
import { randomBytes, randomInt } from 'node:crypto';
import { sql } from 'kysely';
import { z } from 'zod';
import type { CoreDeps } from '../deps.ts';
import { findUser, type UserRecord } from '../identity/users.ts';
import { durationMs } from '../models/duration.ts';
import type { Client } from './client.ts';
import { hashOf } from './grants.ts';

const data = z.object({
  scopes: z.array(z.string()),
  /** Of whoever approved it. */
  authTime: z.number().optional(),
  amr: z.array(z.string()).optional(),
  /** Somebody saw what it asks for and did not allow it. */
  denied: z.boolean().optional(),
  /** When it asked last, and after how many seconds it may ask again. */
  asked: z.object({ at: z.number(), interval: z.number() }).optional(),
});
type DeviceData = z.infer<typeof data>;

export interface WaitingDevice {
  readonly hash: string;
  readonly provider: number;
  readonly scopes: readonly string[];
}

export interface DeviceCodes {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly lifeMs: number;
}

const attempts = 5;
/** How often a device may ask, in seconds; the default of RFC 8628 §3.2. */
export const pollInterval = 5;
/** By how much longer whoever asks too soon has to wait from then on (RFC 8628 §3.5). */
const slowerBy = 5;
/** What timers and networks take off an interval. */
const graceMs = 1_000;

/** @throws Error if no free user code is found, which a billion of them makes a matter of the database */
export async function startDevice(deps: CoreDeps, client: Client, scopes: readonly string[]): Promise<DeviceCodes> {
  const { database, clock } = deps;
  const lifeMs = durationMs(client.access_code_validity);
  const deviceCode = randomBytes(64).toString('hex');
  await database.kysely.deleteFrom('device_grants').where('expires', '<=', new Date(clock.now())).execute();
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const userCode = String(randomInt(1_000_000_000)).padStart(9, '0');
    const row = await database.kysely
      .insertInto('device_grants')
      .values({
        hash: hashOf(deviceCode),
        user_code: userCode,
        provider: client.pk,
        expires: new Date(clock.now() + lifeMs),
        data: JSON.stringify({ scopes }),
      })
      .onConflict((conflict) => conflict.column('user_code').doNothing())
      .returning('hash')
      .executeTakeFirst();
    if (row !== undefined) return { deviceCode, userCode, lifeMs };
  }
  throw new Error('No free user code was found.');
}

/** The device that shows this code and that nobody has approved. */
export async function waitingDevice(
  { database, clock }: CoreDeps,
  userCode: string,
): Promise<WaitingDevice | undefined> {
  const row = await database.kysely
    .selectFrom('device_grants')
    .select(['hash', 'provider', 'data'])
    .where('user_code', '=', userCode)
    .where('user_id', 'is', null)
    .where('expires', '>', new Date(clock.now()))
    .executeTakeFirst();
  const known = row === undefined ? undefined : data.parse(row.data);
  return row === undefined || known === undefined || known.denied === true
    ? undefined
    : { ...row, scopes: known.scopes };
}

export interface Approval {
  readonly user: UserRecord;
  readonly session: string;
  readonly authTime: number | undefined;
  readonly amr: readonly string[];
}

/** @returns false where it has run out, or somebody was first */
export async function approveDevice(
  { database, clock }: CoreDeps,
  { hash, scopes }: WaitingDevice,
  { user, session, authTime, amr }: Approval,
): Promise<boolean> {
  const approved: DeviceData = { scopes: [...scopes], amr: [...amr], ...(authTime === undefined ? {} : { authTime }) };
  const row = await database.kysely
    .updateTable('device_grants')
    .set({ user_id: user.id, session_id: session, data: JSON.stringify(approved) })
    .where('hash', '=', hash)
    .where('user_id', 'is', null)
    .where('expires', '>', new Date(clock.now()))
    .returning('hash')
    .executeTakeFirst();
  return row !== undefined;
}

/** Whoever asks with this device next is told that nobody allows it. */
export async function denyDevice({ database }: CoreDeps, hash: string): Promise<void> {
  await database.kysely
    .updateTable('device_grants')
    .set({ data: sql`data || '{"denied": true}'` })
    .where('hash', '=', hash)
    .where('user_id', 'is', null)
    .execute();
}

export type Poll =
  /** Never there, or used. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'pending' }
  /** Pending, and asked for too soon. */
  | { readonly kind: 'hasty'; readonly interval: number }
  | {
      readonly kind: 'approved';
      readonly user: UserRecord;
      readonly session: string | null;
      readonly data: DeviceData;
    };

/** What has become of a device; whatever is over is gone with this call. */
export async function pollDevice(deps: CoreDeps, client: Client, deviceCode: string): Promise<Poll> {
  const { database, clock } = deps;
  const own = { hash: hashOf(deviceCode), provider: client.pk };
  const row = await database.kysely
    .selectFrom('device_grants')
    .select(['user_id', 'expires', 'data'])
    .where('hash', '=', own.hash)
    .where('provider', '=', own.provider)
    .executeTakeFirst();
  if (row === undefined) return { kind: 'gone' };
  const isExpired = row.expires.getTime() <= clock.now();
  const known = data.parse(row.data);
  if (!isExpired && row.user_id === null && known.denied !== true) return pendingPoll(deps, own.hash, known);
  const gone = await database.kysely
    .deleteFrom('device_grants')
    .where('hash', '=', own.hash)
    .returningAll()
    .executeTakeFirst();
  if (isExpired) return { kind: 'expired' };
  if (known.denied === true) return { kind: 'denied' };
  const user = gone?.user_id == null ? undefined : await findUser(deps, gone.user_id);
  if (gone === undefined || user?.is_active !== true) return { kind: 'gone' };
  return { kind: 'approved', user, session: gone.session_id, data: data.parse(gone.data) };
}

/** Notes that the device asked, and whether it was too soon. */
async function pendingPoll({ database, clock }: CoreDeps, hash: string, { asked }: DeviceData): Promise<Poll> {
  const at = clock.now();
  const before = asked?.interval ?? pollInterval;
  const isHasty = asked !== undefined && at - asked.at < before * 1000 - graceMs;
  const interval = isHasty ? before + slowerBy : before;
  await database.kysely
    .updateTable('device_grants')
    .set({ data: sql`data || ${JSON.stringify({ asked: { at, interval } })}::jsonb` })
    .where('hash', '=', hash)
    .where('user_id', 'is', null)
    .execute();
  return isHasty ? { kind: 'hasty', interval } : { kind: 'pending' };
}
