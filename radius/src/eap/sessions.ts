// EAP conversations by their State attribute (radius.md §8.3): bounded, bound to provider and source address, gone after
// 30 s of silence or 120 s in all.
import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '@gatehouse/daemon/async';
import type { Access } from '../core.ts';
import type { Answer } from '../datagram/request.ts';
import { statePrefix } from '../workers/owner.ts';
import type { Conversation } from './conversation.ts';

export interface EapSession {
  readonly state: Buffer;
  readonly providerPk: number;
  readonly client: string;
  readonly conversation: Conversation;
  /** What the core's verdict is kept under, for conversations that resume this one. */
  readonly ticket: string;
  /** A step is being taken; nothing else may happen meanwhile. */
  busy: boolean;
  /** What the core has granted, while the device has a step to go (PEAP's result). */
  access: Access | undefined;
  /** What the core has refused, while the peer is told so in its own method. */
  refusal: Answer | undefined;
}

export interface EapSessions {
  open(providerPk: number, client: string, conversation: Conversation): EapSession;
  find(state: Buffer, providerPk: number, client: string): EapSession | undefined;
  close(session: EapSession): void;
  readonly size: number;
}

const idleMs = 30_000;
const lifeMs = 120_000;
const maxSessions = 10_000;

/** @param worker number of this process among its siblings */
export function createEapSessions(clock: Clock, worker = 0): EapSessions {
  const prefix = statePrefix(worker, 'eap'); // the rest of a State is random
  const sessions = new Map<string, { session: EapSession; bornMs: number; lastMs: number }>();
  const close = (session: EapSession) => {
    sessions.delete(session.state.toString('hex'));
    session.conversation.destroy();
  };
  const expire = () => {
    const nowMs = clock.monotonicMs();
    for (const { session, bornMs, lastMs } of sessions.values()) {
      // In the order of last use, so the first that is young ends the search, but for the longest life.
      if (!session.busy && (nowMs - lastMs >= idleMs || nowMs - bornMs >= lifeMs)) close(session);
      else if (nowMs - lastMs < idleMs) break;
    }
  };
  return {
    open(providerPk, client, conversation) {
      expire();
      const [oldest] = sessions.values();
      if (sessions.size >= maxSessions && oldest !== undefined) close(oldest.session);
      const state = Buffer.concat([prefix, randomBytes(14)]);
      const session = {
        state,
        providerPk,
        client,
        conversation,
        ticket: randomUUID(),
        busy: false,
        access: undefined,
        refusal: undefined,
      };
      const nowMs = clock.monotonicMs();
      sessions.set(state.toString('hex'), { session, bornMs: nowMs, lastMs: nowMs });
      return session;
    },
    find(state, providerPk, client) {
      expire();
      const key = state.toString('hex');
      const found = sessions.get(key);
      if (found === undefined || found.session.providerPk !== providerPk || found.session.client !== client)
        return undefined;
      const nowMs = clock.monotonicMs();
      if (nowMs - found.bornMs >= lifeMs) {
        close(found.session);
        return undefined;
      }
      sessions.delete(key);
      sessions.set(key, { ...found, lastMs: nowMs });
      return found.session;
    },
    close,
    get size() {
      expire();
      return sessions.size;
    },
  };
}
