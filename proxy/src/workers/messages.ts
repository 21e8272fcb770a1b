// What the workers of one proxy tell each other (proxy.md §17.28), besides what all workers say to their first process.
import { z } from 'zod';

/** What ended or changed, wherever it was asked for; passed on to all others. */
export const notice = z.object({
  kind: z.literal('ended'),
  sub: z.string().optional(),
  sid: z.string().optional(),
  key: z.string().optional(),
  /** New value of the cookie of `key`, where cookies carry records. */
  value: z.string().optional(),
});
export type Notice = z.infer<typeof notice>;
