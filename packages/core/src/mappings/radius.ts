// Reply attributes of a RADIUS login (core.md §18, radius.md §6): the provider's mappings fill one packet, in order of name.
import { z } from 'zod';
import type { CoreDeps } from '../deps.ts';
import { textAt, wholeAt } from '../expressions/run/parameters.ts';
import { Native, type Value } from '../expressions/run/values.ts';
import type { FlowRequest } from '../flows/request.ts';
import type { UserRecord } from '../identity/users.ts';
import { RadiusPacketObject } from './radius-packet.ts';
import { loadMappings, runMapping } from './run.ts';

/** What a mapping of this kind sees, and the packet behind it. */
export function radiusNames(): {
  readonly packet: RadiusPacketObject;
  readonly names: Readonly<Record<string, Value>>;
} {
  const packet = new RadiusPacketObject();
  const define_attribute = new Native('define_attribute', (call) => {
    packet.define(
      wholeAt(call, 0, 'vendor_code'),
      textAt(call, 1, 'vendor_name'),
      textAt(call, 2, 'attribute_name'),
      wholeAt(call, 3, 'attribute_code'),
      textAt(call, 4, 'attribute_type'),
    );
    return null;
  });
  return { packet, names: { packet, define_attribute } };
}

/** Base64 of the packet; `null` when a mapping failed: half of the attributes could open more than all of them. */
export async function radiusReply(
  deps: CoreDeps,
  settings: unknown,
  user: UserRecord,
  request?: FlowRequest,
): Promise<string | null> {
  const keys = z.object({ property_mappings: z.array(z.string()) }).safeParse(settings).data?.property_mappings ?? [];
  const { packet, names } = radiusNames();
  for (const mapping of await loadMappings(deps, keys))
    if ('error' in (await runMapping(deps, mapping, { user, request, names }))) return null;
  return packet.encode();
}
