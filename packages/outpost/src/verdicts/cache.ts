// Successful logins remembered for a short time (DESIGN §5, F11): the key is a digest under a key of this process, so no
// secret is kept; only successes; equal attempts share one run; dropped by user, session or provider.
import { hash, randomBytes } from 'node:crypto';
import type { DeltaArguments } from '@gatehouse/contract/control-channel';
import { type Clock, createSingleFlight } from '@gatehouse/daemon/async';
import { LRUCache } from 'lru-cache';

export interface Verdict {
  readonly userPk: number;
  readonly sessionId: string;
  readonly providerPk: number;
  /** From the core, when it says; the entry never outlives it. */
  readonly expiresAtMs: number | undefined;
}

export interface VerdictKey {
  readonly providerPk: number;
  /** Normalised name of who wants in. */
  readonly identity: string;
  /** As the core gets it. */
  readonly secret: string;
}

export interface VerdictCache<V extends Verdict> {
  /** The remembered success, or `undefined`. Some microseconds. */
  find(key: VerdictKey): V | undefined;
  /** As `find`, else runs `ask` once for all who ask the same meanwhile; remembers it when `lifeMs` says for how long. */
  resolve<T>(
    key: VerdictKey,
    ask: () => Promise<T>,
    keep: (answer: T) => { verdict: V; lifeMs: number } | undefined,
  ): Promise<T>;
  /** Remembers a success under a further key: another spelling of the same secret. */
  remember(key: VerdictKey, verdict: V, lifeMs: number): void;
  dropUser(userPk: number): void;
  /** What the core tells of changes: logins of whoever changed, or all when rights may have. Linear in what is remembered. */
  dropChanged(changes: Pick<DeltaArguments, 'all' | 'access' | 'users'>): void;
  dropSession(sessionId: string): void;
  dropProvider(providerPk: number): void;
  clear(): void;
  /** Takes over what another process with the same key has remembered. */
  adopt(digest: string, verdict: V, lifeMs: number): void;
  /** A shorter life for all while changes cannot be heard of. */
  setCeiling(ms: number | undefined): void;
  readonly size: number;
}

export function createVerdictCache<V extends Verdict>(options: {
  readonly clock: Clock;
  readonly maxEntries: number;
  /** Shared by processes that tell each other verdicts; one of this process alone unless given. */
  readonly key?: string;
  /** Told of each verdict that was remembered after asking. */
  readonly onKept?: (digest: string, verdict: V, lifeMs: number) => void;
}): VerdictCache<V> {
  const { clock } = options;
  const key = options.key ?? randomBytes(32).toString('hex');
  // Room as it is needed: with `max` all of it is filled beforehand, which holds up the start for some 10 ms.
  const entries = new LRUCache<string, Entry<V>>({ maxSize: options.maxEntries, sizeCalculation: () => 1 });
  const flights = createSingleFlight<string, unknown>();
  let ceilingMs: number | undefined;
  let generation = 0;

  const lookUp = (digest: string): V | undefined => {
    const entry = entries.get(digest);
    if (entry === undefined) return undefined;
    const nowMs = clock.monotonicMs();
    const isOver = nowMs >= entry.endMs || (ceilingMs !== undefined && nowMs >= entry.madeMs + ceilingMs);
    if (!isOver && (entry.verdict.expiresAtMs === undefined || clock.now() < entry.verdict.expiresAtMs))
      return entry.verdict;
    entries.delete(digest);
    return undefined;
  };
  const keepFor = (digest: string, verdict: V, lifeMs: number) => {
    const madeMs = clock.monotonicMs();
    entries.set(digest, { verdict, madeMs, endMs: madeMs + lifeMs });
  };
  const dropWhere = (matches: (verdict: V) => boolean) => {
    generation += 1;
    for (const [digest, { verdict }] of entries.entries()) if (matches(verdict)) entries.delete(digest);
  };

  return {
    find: (given) => lookUp(digestOf(key, given)),
    async resolve<T>(
      given: VerdictKey,
      ask: () => Promise<T>,
      keep: (answer: T) => { verdict: V; lifeMs: number } | undefined,
    ): Promise<T> {
      const digest = digestOf(key, given);
      const began = generation;
      const answer = await flights.run(digest, async () => {
        const fresh = await ask();
        const kept = keep(fresh);
        // Whatever was dropped while the core was being asked may concern this very answer: then it is not remembered.
        if (kept !== undefined && kept.lifeMs > 0 && generation === began) {
          keepFor(digest, kept.verdict, kept.lifeMs);
          options.onKept?.(digest, kept.verdict, kept.lifeMs);
        }
        return fresh;
      });
      return answer as T; // one digest is always asked with one kind of task
    },
    remember: (given, verdict, lifeMs) => keepFor(digestOf(key, given), verdict, lifeMs),
    dropUser: (userPk) => dropWhere((verdict) => verdict.userPk === userPk),
    dropChanged({ all, access, users }) {
      const changed = new Set(users);
      if (all || access || changed.size > 0) dropWhere(({ userPk }) => all || access || changed.has(userPk));
    },
    dropSession: (sessionId) => dropWhere((verdict) => verdict.sessionId === sessionId),
    dropProvider: (providerPk) => dropWhere((verdict) => verdict.providerPk === providerPk),
    adopt: keepFor,
    clear: () => dropWhere(() => true),
    setCeiling(ms) {
      ceilingMs = ms;
    },
    get size() {
      return entries.size;
    },
  };
}

interface Entry<V> {
  readonly verdict: V;
  readonly madeMs: number;
  readonly endMs: number;
}

/**
 * Lengths are part of the input, so that no two triples share one. The key stands on both sides of it (envelope MAC): one
 * call into OpenSSL in place of the several of an HMAC object, a quarter of its time; digests never leave this process.
 */
function digestOf(key: string, { providerPk, identity, secret }: VerdictKey): string {
  return hash('sha256', `${key}${providerPk}:${identity.length}:${identity}:${secret}${key}`, 'binary');
}
