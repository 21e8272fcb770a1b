// What the processes of one RADIUS outpost say to each other, besides what all workers say to their first process.
import { z } from 'zod';

/** A login that the core has granted: what core.ts remembers. */
const access = z.object({
  kind: z.literal('accepted'),
  username: z.string(),
  groups: z.array(z.string()).readonly(),
  attributes: z.string().optional(),
  userPk: z.number(),
  sessionId: z.string(),
  providerPk: z.number(),
  expiresAtMs: z.number().optional(),
});

/** A datagram that belongs to another worker, as it came. */
const datagram = z.object({
  kind: z.literal('datagram'),
  bytes: z.custom<Uint8Array>((given) => given instanceof Uint8Array),
  address: z.string(),
  port: z.number(),
  /** Which of the listeners it came to. */
  listener: z.number(),
});
export type Datagram = Omit<z.infer<typeof datagram>, 'kind'>;

/** About what comes by the shared sockets. */
const socketNews = [
  z.object({ kind: z.literal('in_work'), worker: z.number(), client: z.string(), count: z.number() }),
  /** In place of one that has died. */
  z.object({ kind: z.literal('started'), worker: z.number() }),
] as const;

/** From a worker, passed on to all others. */
const news = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('verdict'), digest: z.string(), verdict: access, lifeMs: z.number() }),
  z.object({ kind: z.literal('session_ended'), sessionId: z.string() }),
  z.object({ kind: z.literal('changed'), all: z.boolean(), access: z.boolean(), users: z.array(z.number()) }),
  z.object({ kind: z.literal('latched'), client: z.string() }),
  ...socketNews,
]);
export type News = z.infer<typeof news>;
export type SocketNews = z.infer<(typeof socketNews)[number]>;

export const fromWorker = z.union([
  z.discriminatedUnion('kind', [
    /** Asks who it is. */
    z.object({ kind: z.literal('hello') }),
    z.object({ kind: z.literal('hand_on'), to: z.number(), datagram }),
  ]),
  news,
]);

export const toWorker = z.union([
  z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('start'),
      number: z.number(),
      count: z.number(),
      verdictKey: z.string(),
    }),
    datagram,
  ]),
  news,
]);
export type ToWorker = z.infer<typeof toWorker>;
