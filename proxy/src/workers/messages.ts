// What the processes of one proxy say to each other (proxy.md §17.28), as JSON over node:cluster's channels.
import { z } from 'zod';

const componentState = z.object({
  state: z.enum(['ready', 'starting', 'degraded', 'failed']),
  reason: z.string().optional(),
});

/** From a worker, passed on to all others: what ended or changed, wherever it was asked for. */
export const notice = z.object({
  kind: z.literal('ended'),
  sub: z.string().optional(),
  sid: z.string().optional(),
  keys: z.array(z.string()).optional(),
});
export type Notice = z.infer<typeof notice>;

export const fromWorker = z.discriminatedUnion('kind', [
  notice,
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('health'), components: z.record(z.string(), componentState) }),
  z.object({ kind: z.literal('metrics'), id: z.number(), text: z.string() }),
]);

export const toWorker = z.discriminatedUnion('kind', [
  notice,
  z.object({ kind: z.literal('stop') }),
  z.object({ kind: z.literal('metrics'), id: z.number() }),
]);
