// What is pushed to outposts, whichever core process they are connected to (core-contract §5, §8.4, §8.5): messages go out
// by database notification, and each process hands them to its own sockets.
import { type DeltaArguments, type Envelope, encodeMessage, instruction } from '@gatehouse/contract/control-channel';
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
  /** Calls `listener` with the ids of sessions that have ended, in whichever process. */
  onSessionsEnded(listener: (ids: readonly string[]) => void): void;
  /** What has changed, to the instances of this process that want to know. */
  tellChanges(delta: DeltaArguments): void;
  connect(instance: Instance, send: (text: string) => void): ConnectedInstance;
  readonly connected: number;
  /** What is connected to this process. */
  readonly instances: readonly Instance[];
}

export interface Instance {
  /** Its outpost's key. */
  readonly outpost: string;
  /** Its outpost's name. */
  readonly name: string;
  readonly uid: string;
}

/** An instance that is connected to this process. */
export interface ConnectedInstance {
  /** From now on it is told what changes. */
  wantsDeltas(): void;
  detach(): void;
}

export async function createOutpostChannels(database: Database): Promise<OutpostChannels> {
  const instances = new Map<(text: string) => void, Instance>();
  const listeners: ((ids: readonly string[]) => void)[] = [];
  const following = new Set<(text: string) => void>();
  const deliver = (message: Envelope, to: (outpost: string) => boolean) => {
    const text = encodeMessage(message);
    for (const [send, { outpost }] of instances) if (to(outpost)) send(text);
  };
  await database.listen(channel, (payload) => {
    const message = readNotification(payload);
    if (message?.kind === 'update')
      deliver({ instruction: instruction.triggerUpdate, args: {} }, (outpost) => message.outposts.includes(outpost));
    if (message?.kind === 'session_end') {
      for (const listener of listeners) listener(message.sessions);
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
    onSessionsEnded: (listener) => void listeners.push(listener),
    tellChanges(delta) {
      if (following.size === 0) return;
      const text = encodeMessage({ instruction: instruction.providerSpecific, args: { ...delta } });
      for (const send of following) send(text);
    },
    connect(instance, send) {
      instances.set(send, instance);
      return {
        wantsDeltas: () => void following.add(send),
        detach() {
          instances.delete(send);
          following.delete(send);
        },
      };
    },
    get connected() {
      return instances.size;
    },
    get instances() {
      return [...instances.values()];
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
