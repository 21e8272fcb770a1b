// What is pushed to outposts, whichever core process they are connected to (core-contract §5, §8.4, §8.5): messages go out
// by database notification, and each process hands them to its own sockets.
import { type Envelope, encodeMessage, instruction } from '@gatehouse/contract/control-channel';
import { z } from 'zod';
import type { Database } from '../database/connection.ts';

const channel = 'outpost_message';
/** PostgreSQL takes up to 8000 bytes a notification; one id has 64. */
const idsPerNotification = 100;

const notification = z.union([
  z.object({ kind: z.literal('update'), outposts: z.array(z.string()) }),
  z.object({ kind: z.literal('session_end'), sessions: z.array(z.string()) }),
]);
type Notification = z.infer<typeof notification>;

export interface OutpostChannels {
  /** TRIGGER_UPDATE to every instance of these outposts. */
  triggerUpdate(outposts: readonly string[]): Promise<void>;
  /** SESSION_END to every instance of every outpost. */
  sessionsEnded(ids: readonly string[]): Promise<void>;
  /** A connected instance of this process; the result takes it off again. */
  connect(outpost: string, send: (text: string) => void): () => void;
  readonly connected: number;
}

export async function createOutpostChannels(database: Database): Promise<OutpostChannels> {
  const instances = new Map<(text: string) => void, string>();
  const deliver = (message: Envelope, to: (outpost: string) => boolean) => {
    const text = encodeMessage(message);
    for (const [send, outpost] of instances) if (to(outpost)) send(text);
  };
  await database.listen(channel, (payload) => {
    const message = readNotification(payload);
    if (message?.kind === 'update')
      deliver({ instruction: instruction.triggerUpdate, args: {} }, (outpost) => message.outposts.includes(outpost));
    if (message?.kind === 'session_end') {
      for (const session_id of message.sessions)
        deliver({ instruction: instruction.sessionEnd, args: { type: 'event.session.end', session_id } }, () => true);
    }
  });
  const notify = (message: Notification) => database.notify(channel, JSON.stringify(message));
  return {
    async triggerUpdate(outposts) {
      for (const part of parts(outposts)) await notify({ kind: 'update', outposts: part });
    },
    async sessionsEnded(ids) {
      for (const part of parts(ids)) await notify({ kind: 'session_end', sessions: part });
    },
    connect(outpost, send) {
      instances.set(send, outpost);
      return () => void instances.delete(send);
    },
    get connected() {
      return instances.size;
    },
  };
}

function parts(ids: readonly string[]): string[][] {
  const found: string[][] = [];
  for (let at = 0; at < ids.length; at += idsPerNotification) found.push(ids.slice(at, at + idsPerNotification));
  return found;
}

function readNotification(payload: string): Notification | undefined {
  try {
    return notification.safeParse(JSON.parse(payload)).data;
  } catch {
    return undefined; // somebody else's use of the channel
  }
}
