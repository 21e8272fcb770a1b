// Entry `@gatehouse/contract/control-channel`: the websocket between core and outposts (core-contract §5). Users: outposts,
// the core.
import { createHash } from 'node:crypto';
import { z } from 'zod';

export const instruction = { ack: 0, hello: 1, triggerUpdate: 2, providerSpecific: 3, sessionEnd: 4 } as const;

/** A message as it is on the wire: one JSON object in a text frame. */
export const envelope = z.object({
  instruction: z.number().int(),
  args: z.record(z.string(), z.unknown()).default({}),
});
export type Envelope = z.infer<typeof envelope>;

export function encodeMessage(message: Envelope): string {
  return JSON.stringify(message);
}

/** @returns `undefined` for anything that is not a message */
export function decodeMessage(text: string): Envelope | undefined {
  try {
    return envelope.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // not JSON
  }
}

/** HELLO (§5.3): strings stay strings and booleans booleans; the core's admin API shows them. */
export interface HelloArguments {
  readonly version: string;
  readonly buildHash: string;
  readonly uuid: string;
  readonly golangVersion: string;
  readonly opensslEnabled: boolean;
  readonly opensslVersion: string;
  readonly fipsEnabled: boolean;
  readonly hostname: string;
  readonly [extra: string]: unknown;
}

/** Said in HELLO by outposts that want to be told of changes; the core sends nothing of the kind to others (core.md §23.2). */
export const deltaSupport = { ak_delta: 1 } as const;

/** PROVIDER_SPECIFIC from our core: what commits have changed. Rows are asked of the core by the cursor. */
export const deltaArguments = z.object({
  sub_type: z.literal('delta'),
  since: z.string(),
  to: z.string(),
  /** Too much to be named: everything may have changed. */
  all: z.boolean(),
  users: z.array(z.number()),
  groups: z.array(z.string()),
  /** Who may use what may have changed. */
  access: z.boolean(),
});
export type DeltaArguments = z.infer<typeof deltaArguments>;

export const sessionEndArguments = z.object({ session_id: z.string() });

/** §5.8: how a session is called outside the core: lower-case hex SHA-256 of its key. */
export function sessionId(sessionKey: string): string {
  return createHash('sha256').update(sessionKey, 'utf8').digest('hex');
}
