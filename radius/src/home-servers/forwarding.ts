// One request on its way to the home servers of its realm: the first that is there is asked, a repetition of the device is
// passed on to it, and when it has fallen silent or dies the next one is asked. Nobody answers: nobody is answered.
import type { Clock } from '@gatehouse/daemon/async';
import type { ReceivedPacket } from '@gatehouse/wire/radius';
import type { HomeServer } from './home-server.ts';
import type { OutgoingRequest, Waiting } from './lanes.ts';

export interface ForwardingOptions {
  readonly clock: Clock;
  /** In the order in which they are asked. */
  readonly servers: readonly HomeServer[];
  /** The request for one of them: hidden values are hidden under its secret. `undefined` when one cannot be read. */
  readonly compose: (server: HomeServer) => OutgoingRequest | undefined;
  readonly timeoutMs: number;
  /** Calls this at each repetition of the device. */
  readonly whenRepeated: (act: () => void) => void;
}

export type Forwarded =
  | {
      readonly kind: 'answered';
      readonly server: HomeServer;
      readonly reply: ReceivedPacket;
      readonly sent: OutgoingRequest;
    }
  | { readonly kind: 'unanswered'; readonly server: string; readonly reason: UnansweredReason };
export type UnansweredReason = 'home_servers_down' | 'home_server_silent' | 'overload' | 'malformed';

/** @throws WireError `ERR_WIRE_TOO_LARGE` when the request does not fit any more */
export function forward(options: ForwardingOptions): Promise<Forwarded> {
  return new Forwarding(options).run();
}

class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #ended = new AbortController();
  readonly #tried = new Set<HomeServer>();
  #server: HomeServer | undefined;
  #waiting: Waiting | undefined;
  #forgetDeath = () => {};
  #result: Forwarded | undefined;

  constructor(options: ForwardingOptions) {
    this.#options = options;
  }

  async run(): Promise<Forwarded> {
    const { clock, timeoutMs, whenRepeated } = this.#options;
    whenRepeated(() => this.#repeat());
    this.#ask();
    if (this.#result === undefined) await clock.sleep(timeoutMs, this.#ended.signal).catch(() => undefined); // answered
    this.#leave();
    return this.#result ?? this.#unanswered('home_server_silent');
  }

  /** Asks the best server that was not asked yet. @returns false when there is none */
  #ask(): boolean {
    const left = this.#options.servers.filter((server) => !this.#tried.has(server) && server.state !== 'dead');
    const server = left.find(({ state }) => state === 'alive') ?? left[0];
    if (server === undefined) {
      if (this.#server === undefined) this.#end(this.#unanswered('home_servers_down'));
      return false;
    }
    this.#leave();
    this.#tried.add(server);
    this.#server = server;
    const sent = this.#options.compose(server);
    this.#waiting = sent && server.send(sent, (reply) => this.#end({ kind: 'answered', server, reply, sent }));
    if (this.#waiting === undefined) this.#end(this.#unanswered(sent === undefined ? 'malformed' : 'overload'));
    this.#forgetDeath = server.whenDead(() => this.#isLost());
    this.#watch(server).catch(() => undefined); // ended
    return true;
  }

  /** A server that has said nothing at all since it was asked is looked after; a slow login alone is no reason. */
  async #watch(server: HomeServer): Promise<void> {
    const { clock } = this.#options;
    const sentMs = clock.monotonicMs();
    await clock.sleep(server.responseMs, this.#ended.signal);
    if (this.#server === server && server.heardMs < sentMs) server.suspect('no answer');
  }

  /** The device asks again: so do we, where it is worth it. */
  #repeat(): void {
    if (this.#server?.state === 'alive' || !this.#ask()) this.#waiting?.repeat();
  }

  #isLost(): void {
    if (!this.#ask()) this.#end(this.#unanswered('home_servers_down'));
  }

  #unanswered(reason: UnansweredReason): Forwarded {
    return { kind: 'unanswered', server: this.#server?.name ?? '', reason };
  }

  #leave(): void {
    this.#waiting?.end();
    this.#forgetDeath();
  }

  #end(result: Forwarded): void {
    this.#result ??= result;
    this.#ended.abort();
  }
}
