// One home server: its two ports, and whether it is there.
import { randomBytes } from 'node:crypto';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import { messageAuthenticator, type PacketKey, packetCode, type ReceivedPacket } from '@gatehouse/wire/radius';
import type { Notices } from '../clients/notices.ts';
import type { HomeServerRule } from '../realms/realm-rules.ts';
import { createLanes, type ForgedReason, type Lanes, type OutgoingRequest, type Waiting } from './lanes.ts';
import { createLiveness, type Liveness } from './liveness.ts';

export interface HomeServer extends Pick<Liveness, 'state' | 'suspect' | 'whenDead'> {
  readonly name: string;
  readonly key: PacketKey;
  readonly responseMs: number;
  /** When it has last answered anything, monotonic. */
  readonly heardMs: number;
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

export function createHomeServer(rule: HomeServerRule, deps: HomeServerDeps): HomeServer {
  return new Server(rule, deps);
}

class Server implements HomeServer {
  readonly name: string;
  readonly key: PacketKey;
  readonly responseMs: number;
  heardMs = 0;
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
    const given = {
      ...rule,
      onForged: (reason: ForgedReason) => this.#tell(reason),
      onUnreachable: (error: string) => {
        this.#checking.abort();
        this.suspect(error);
      },
    };
    this.#authentication = createLanes({ ...given, to: rule.authentication });
    this.#accounting = createLanes({ ...given, to: rule.accounting });
    this.#liveness = createLiveness({ ...rule, ...deps, signal: this.#ending.signal, check: () => this.check() });
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
    this.#checking = new AbortController();
    const signal = AbortSignal.any([answered.signal, this.#checking.signal, this.#ending.signal]);
    await this.#deps.clock.sleep(checkMs, signal).catch(() => undefined); // an answer, or the end
    waiting?.end();
    return answered.signal.aborted;
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
    this.#accounting.close();
  }
}

/** A late answer (`unmatched`) is no trouble of its own. */
const forgedHints: Partial<Record<ForgedReason, string>> = {
  bad_authenticator: 'Shared secret mismatch? Compare it in the policy file and on the home server.',
  missing_message_authenticator:
    'Its answers could be forged (CVE-2024-3596): update it, or set require_message_authenticator to false for it.',
};
