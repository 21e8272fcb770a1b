// What the processes of one daemon say to each other over node:cluster's channels, whatever the daemon. The one file of this
// package that imports zod.
import { z } from 'zod';

const componentState = z.object({
  state: z.enum(['ready', 'starting', 'degraded', 'failed']),
  reason: z.string().optional(),
});

export const fromWorker = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('health'), components: z.record(z.string(), componentState) }),
  z.object({ kind: z.literal('page'), id: z.number(), text: z.string() }),
]);

export type FromWorker = z.infer<typeof fromWorker>;

export const toWorker = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('stop') }),
  z.object({ kind: z.literal('page'), id: z.number(), page: z.string() }),
]);
