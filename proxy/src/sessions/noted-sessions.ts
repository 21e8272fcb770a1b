// What is noted of sessions whose records are elsewhere, in their cookies: enough to hold the cap per user and to name what a
// logout ends. Bounded: the one that was noted first is forgotten, and noted again when it is used.
import { KeyIndex } from './key-index.ts';
import type { SessionKey } from './record.ts';
import type { CarriedSession, StoreLimits } from './store.ts';

export class NotedSessions {
  readonly #limits: StoreLimits;
  readonly #sessions = new Map<SessionKey, CarriedSession>();
  readonly #bySub = new KeyIndex();
  readonly #bySid = new KeyIndex();

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  /** @returns those of the user, oldest first, that are above the cap with this one; they are forgotten */
  note(session: CarriedSession, nowMs: number): readonly SessionKey[] {
    if (this.#sessions.has(session.key)) return [];
    this.#add(session);
    const ofUser = this.#bySub.of(session.sub);
    if (ofUser.length <= this.#limits.perUserCap) return [];
    const alive = ofUser.flatMap((key) => this.#alive(key, nowMs));
    alive.sort((one, other) => one.createdAtMs - other.createdAtMs);
    const above = alive.slice(0, Math.max(0, alive.length - this.#limits.perUserCap)).map(({ key }) => key);
    for (const key of above) this.forget(key);
    return above;
  }

  forget(key: SessionKey): void {
    const session = this.#sessions.get(key);
    if (session === undefined) return;
    this.#sessions.delete(key);
    this.#bySub.remove(session.sub, key);
    this.#bySid.remove(session.sid, key);
  }

  ofSub(sub: string): readonly SessionKey[] {
    return this.#bySub.of(sub);
  }

  ofSid(sid: string): readonly SessionKey[] {
    return this.#bySid.of(sid);
  }

  /** How many are not over; looks at each. */
  count(nowMs: number): number {
    return [...this.#sessions.values()].filter(({ expiresAtMs }) => expiresAtMs > nowMs).length;
  }

  #add(session: CarriedSession): void {
    const { key, sub, sid } = session;
    const [first] = this.#sessions.keys();
    if (first !== undefined && this.#sessions.size >= this.#limits.maxSessions) this.forget(first);
    this.#sessions.set(key, session);
    this.#bySub.add(sub, key);
    this.#bySid.add(sid, key);
  }

  /** One that is over is forgotten. */
  #alive(key: SessionKey, nowMs: number): readonly CarriedSession[] {
    const session = this.#sessions.get(key);
    if (session !== undefined && session.expiresAtMs > nowMs) return [session];
    this.forget(key);
    return [];
  }
}
