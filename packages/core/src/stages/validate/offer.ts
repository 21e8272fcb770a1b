// Which devices a user may prove himself with, and which of them an answer means (flow-executor.md §11.3).
import type { DeviceChallenge } from '@gatehouse/contract/flow';
import { z } from 'zod';
import { confirmedDevices } from '../../devices/verify.ts';
import type { Answer, StageContext } from '../stage.ts';

/** Classes of this stage that this core can verify, in the order clients know. */
export function allowedClasses({ settings }: StageContext): readonly string[] {
  const allowed = settings['device_classes'];
  return ['static', 'totp'].filter((kind) => Array.isArray(allowed) && allowed.includes(kind));
}

/** One device of each allowed class. */
export async function offeredDevices(context: StageContext): Promise<DeviceChallenge[]> {
  const user = (await context.pendingUser())?.record;
  if (user === undefined) return [];
  const devices = await confirmedDevices(context.deps, user.id);
  return allowedClasses(context)
    .flatMap((kind) => devices.find((device) => device.kind === kind) ?? [])
    .map(({ kind, id, last_used }) => ({
      device_class: kind,
      device_uid: String(id),
      challenge: {},
      last_used: last_used?.toISOString() ?? null,
    }));
}

const shape = z.object({
  device_class: z.string(),
  device_uid: z.string(),
  challenge: z.record(z.string(), z.unknown()).default({}),
  last_used: z.string().nullable().default(null),
});

export function selectedOf(answer: Answer): DeviceChallenge | undefined | 'unreadable' {
  const given = answer['selected_challenge'];
  return given === undefined || given === null ? undefined : (shape.safeParse(given).data ?? 'unreadable');
}

export function sameDevice(one: DeviceChallenge, other: DeviceChallenge): boolean {
  return one.device_class === other.device_class && one.device_uid === other.device_uid;
}
