// One home server: its two ports or its one connection, and whether it is there.
import { randomBytes } from 'node:crypto';
import type { Clock } from '@gatehouse/daemon/async';
import type { Address } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import { messageAuthenticator, type PacketKey, packetCode, type ReceivedPacket } from '@gatehouse/wire/radius';
import type { Notices } from '../clients/notices.ts';
import type { HomeServerRule } from '../realms/realm-rules.ts';
import { createLanes, type ForgedReason, type Lanes, type OutgoingRequest, type Waiting } from './lanes.ts';
import { createLiveness, type Liveness } from './liveness.ts';
import { openTlsWire } from './tls-wire.ts';
import { openUdpWire } from './udp-wire.ts';

export interface HomeServer extends Pick<Liveness, 'state' | 'suspect' | 'whenDead'> {
  readonly name: string;
  readonly key: PacketKey;
  readonly responseMs: number;
  /** When it has last answered anything, monotonic. */
  readonly heardMs: number;
  /** Why it could not be reached the last time, as the kernel or TLS says. */
  readonly trouble: string | undefined;
  /** As {@link Lanes.send}, to the port that its code belongs to. */
  send(request: OutgoingRequest, onReply: (reply: ReceivedPacket) => void): Waiting | undefined;
  /** Status-Server, waited for as long as a server may take. */
  check(): Promise<boolean>;
  close(): void;
}

export interface HomeServerDeps {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Counts answers that were none. */
  readonly onForged: (server: string, reason: ForgedReason) => void;
  readonly notices: Notices;
}

/** Shorter than most devices wait: a request in work shall find the next server in time. */
const checkMs = 2_000;
const noStatus = 'no answer to Status-Server';

export function createHomeServer(rule: HomeServerRule, deps: HomeServerDeps): HomeServer {
  return new Server(rule, deps);
}

class Server implements HomeServer {
  readonly name: string;
  readonly key: PacketKey;
  readonly responseMs: number;
  heardMs = Number.NEGATIVE_INFINITY;
  trouble: string | undefined;
  readonly #deps: HomeServerDeps;
  readonly #ending = new AbortController();
  readonly #authentication: Lanes;
  readonly #accounting: Lanes;
  readonly #liveness: Liveness;
  /** Aborted when the kernel says that there is nothing to wait for. */
  #checking = new AbortController();

  constructor(rule: HomeServerRule, deps: HomeServerDeps) {
    this.name = rule.name;
    this.key = rule.key;
    this.responseMs = rule.responseMs;
    this.#deps = deps;
    const { tls } = rule;
    const lanesTo = (to: Address) =>
      createLanes({
        ...rule,
        openWire: (events) => (tls === undefined ? openUdpWire(to, events) : openTlsWire(to, tls, events)),
        onForged: (reason) => this.#tell(reason),
        onUnreachable: (error) => this.#isUnreachable(error),
      });
    this.#authentication = lanesTo(rule.authentication);
    // RFC 6614 §2.5: over TLS one port takes everything.
    this.#accounting = tls === undefined ? lanesTo(rule.accounting) : this.#authentication;
    this.#liveness = createLiveness({ ...rule, ...deps, signal: this.#ending.signal, check: () => this.check() });
    if (tls !== undefined && rule.hasStatusCheck) this.#watch(rule.watchdogMs).catch(() => undefined); // closed
  }

  get state(): Liveness['state'] {
    return this.#liveness.state;
  }

  suspect(reason: string): void {
    if (!this.#ending.signal.aborted) this.#liveness.suspect(reason);
  }

  whenDead(act: () => void): () => void {
    return this.#liveness.whenDead(act);
  }

  send(request: OutgoingRequest, onReply: (reply: ReceivedPacket) => void): Waiting | undefined {
    const lanes = request.code === packetCode.accountingRequest ? this.#accounting : this.#authentication;
    return lanes.send(request, (reply) => {
      this.heardMs = this.#deps.clock.monotonicMs();
      this.trouble = undefined;
      this.#liveness.heard();
      onReply(reply);
    });
  }

  async check(): Promise<boolean> {
    const answered = new AbortController();
    const request = {
      code: packetCode.statusServer,
      authenticator: randomBytes(16),
      attributes: [messageAuthenticator],
    };
    const waiting = this.send(request, () => answered.abort());
    const signal = AbortSignal.any([answered.signal, this.#checking.signal, this.#ending.signal]);
    await this.#deps.clock.sleep(checkMs, signal).catch(() => undefined); // an answer, or the end
    waiting?.end();
    return answered.signal.aborted;
  }

  /**
   * RFC 3539 §3.4: a connection that has said nothing for a while is asked, the first time at once. It may be gone without
   * anybody having told us, and whoever closes idle ones sees that it is not.
   */
  async #watch(everyMs: number): Promise<void> {
    const { clock } = this.#deps;
    for (;;) {
      const isQuiet = clock.monotonicMs() - this.heardMs >= everyMs;
      if (isQuiet && this.state === 'alive' && !(await this.check())) {
        this.#authentication.reset(noStatus);
        this.suspect(this.trouble ?? noStatus);
      }
      await clock.sleep(everyMs, this.#ending.signal);
    }
  }

  #isUnreachable(error: string): void {
    this.trouble = error;
    this.#checking.abort();
    this.#checking = new AbortController();
    this.suspect(error);
  }

  /** Once a minute: anybody could send them. */
  #tell(reason: ForgedReason): void {
    const { log, notices, onForged } = this.#deps;
    onForged(this.name, reason);
    const hint = forgedHints[reason];
    if (hint !== undefined && notices.isDue(`${reason} ${this.name}`))
      log.warn('answer of a home server dropped', { home_server: this.name, reason, hint });
  }

  close(): void {
    this.#ending.abort(new Error('the home server is closed'));
    this.#authentication.close();
    if (this.#accounting !== this.#authentication) this.#accounting.close();
  }
}

/** A late answer (`unmatched`) is no trouble of its own. */
const forgedHints: Partial<Record<ForgedReason, string>> = {
  bad_authenticator: 'Shared secret mismatch? Compare it in the policy file and on the home server.',
  missing_message_authenticator:
    'Its answers could be forged (CVE-2024-3596): update it, or set require_message_authenticator to false for it.',
};
