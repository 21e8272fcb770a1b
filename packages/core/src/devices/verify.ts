// Checks a typed code against a user's confirmed devices of some classes (flow-executor.md §11.3). Devices of other classes
// are not touched, and a failure is counted only when no device knows the code (Beyond F22).
import type { Selectable } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import type { Connection } from '../models/unit.ts';
import { matchingStep, stepAt, type TotpParameters } from './totp.ts';

export type DeviceRecord = Selectable<Tables['devices']>;
export type DeviceClass = 'static' | 'totp';

export async function confirmedDevices({ database }: CoreDeps, user: number): Promise<DeviceRecord[]> {
  return database.kysely
    .selectFrom('devices')
    .selectAll()
    .where('user_id', '=', user)
    .where('confirmed', '=', true)
    .orderBy('id')
    .execute();
}

export interface TypedCode {
  readonly user: number;
  readonly kinds: readonly DeviceClass[];
  readonly code: string;
  /** By how much the waits of devices of a kind are longer than 1, 2, 4 … s. */
  readonly factorOf: (kind: string) => number;
}

/** The device whose code this is; it is spent afterwards. One transaction: two requests cannot use one code. */
export async function verifyCode(
  deps: CoreDeps,
  { user, kinds, code, factorOf }: TypedCode,
): Promise<DeviceRecord | undefined> {
  return deps.database.kysely.transaction().execute(async (db) => {
    const devices = await db
      .selectFrom('devices')
      .selectAll()
      .where('user_id', '=', user)
      .where('kind', 'in', [...kinds])
      .where('confirmed', '=', true)
      .orderBy('id')
      .forUpdate()
      .execute();
    const nowMs = deps.clock.now();
    const open = devices.filter((device) => nowMs >= blockedUntil(device, factorOf(device.kind)));
    for (const device of open) {
      const matches =
        device.kind === 'totp' ? await useTotp(db, device, code, nowMs) : await useStatic(db, device, code);
      if (!matches) continue;
      await db
        .updateTable('devices')
        .set({ failures: 0, failed_at: null, last_used: new Date(nowMs) })
        .where('id', '=', device.id)
        .execute();
      return device;
    }
    for (const { id, failures } of open)
      await db
        .updateTable('devices')
        .set({ failures: failures + 1, failed_at: new Date(nowMs) })
        .where('id', '=', id)
        .execute();
    return undefined;
  });
}

const longestBlockMs = 3_600_000;

/** After n failures in a row a device refuses everything for factor × 2^(n-1) seconds, an hour at most. */
function blockedUntil({ failures, failed_at }: DeviceRecord, factor: number): number {
  if (failures === 0 || failed_at === null) return 0;
  return failed_at.getTime() + Math.min(longestBlockMs, factor * 1000 * 2 ** (failures - 1));
}

export function totpParameters(settings: Readonly<Record<string, unknown>>): TotpParameters {
  return {
    key: Buffer.from(String(settings['key'] ?? ''), 'hex'),
    step: Number(settings['step'] ?? 30),
    t0: Number(settings['t0'] ?? 0),
    digits: Number(settings['digits'] ?? 6),
  };
}

async function useTotp(db: Connection, device: DeviceRecord, code: string, nowMs: number): Promise<boolean> {
  const { settings } = device;
  const drift = Number(settings['drift'] ?? 0);
  const parameters = totpParameters(settings);
  const step = matchingStep(parameters, code, nowMs, {
    drift,
    tolerance: Number(settings['tolerance'] ?? 1),
    lastUsed: Number(settings['last_t'] ?? -1),
  });
  if (step === undefined) return false;
  const learnt = { ...settings, last_t: step, drift: step - stepAt(parameters, nowMs) };
  await db
    .updateTable('devices')
    .set({ settings: JSON.stringify(learnt) })
    .where('id', '=', device.id)
    .execute();
  return true;
}

async function useStatic(db: Connection, device: DeviceRecord, code: string): Promise<boolean> {
  const used = await db
    .deleteFrom('static_tokens')
    .where('device_id', '=', device.id)
    .where('token', '=', code)
    .executeTakeFirst();
  return used.numDeletedRows > 0n;
}
