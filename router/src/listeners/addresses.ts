// The addresses of one kind of listener: each bound by itself, so that one that cannot be does not stand in the way of the
// others, and changed while connections go on. Called by listeners.ts.
import type { Socket } from 'node:net';
import { type Address, formatAddress } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import { type CidrSet, listenTcp, type Peer, type TcpListener } from '@gatehouse/daemon/net';

export interface ListenAddressesOptions {
  readonly limits: { readonly total: number; readonly perClient: number };
  readonly trusted: CidrSet;
  readonly log: Logger;
}

/** The longest a timer can wait: connections of an address that is given up end by themselves. */
const unhurriedMs = 2 ** 31 - 1;

export class ListenAddresses {
  readonly #component: 'http' | 'https';
  readonly #options: ListenAddressesOptions;
  readonly #onConnection: (socket: Socket, peer: Peer) => void;
  /** By address as it was given. */
  readonly #open = new Map<string, TcpListener>();
  readonly #leaving = new Set<TcpListener>();

  constructor(
    component: 'http' | 'https',
    options: ListenAddressesOptions,
    onConnection: (socket: Socket, peer: Peer) => void,
  ) {
    this.#component = component;
    this.#options = options;
    this.#onConnection = onConnection;
  }

  get bound(): readonly Address[] {
    return [...this.#open.values()].flatMap(({ bound }) => bound);
  }

  /**
   * Binds what is new, then gives up what is not named any more, where its connections stay. What cannot be bound is complained
   * about; if nothing would be left, everything stays as it was.
   */
  async move(addresses: readonly Address[]): Promise<void> {
    const wanted = new Map(addresses.map((address) => [formatAddress(address), address]));
    for (const [name, address] of wanted) {
      const listener = this.#open.get(name) ?? (await this.#bind(address));
      if (listener !== undefined) this.#open.set(name, listener);
    }
    const kept = [...wanted.keys()].some((name) => this.#open.has(name));
    if (!kept && wanted.size > 0) return;
    for (const [name, listener] of this.#open) if (!wanted.has(name)) this.#giveUp(name, listener);
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all([...this.#open.values(), ...this.#leaving].map((listener) => listener.close(graceMs)));
  }

  #giveUp(name: string, listener: TcpListener): void {
    this.#open.delete(name);
    this.#leaving.add(listener);
    void listener.close(unhurriedMs).then(() => this.#leaving.delete(listener));
    for (const address of listener.bound)
      this.#options.log.info('not listening any more', { addr: formatAddress(address), component: this.#component });
  }

  async #bind(address: Address): Promise<TcpListener | undefined> {
    const { limits, trusted, log } = this.#options;
    try {
      return await listenTcp({
        addresses: [address],
        component: this.#component,
        setting: `AUTHENTIK_LISTEN__${this.#component.toUpperCase()}`,
        limits,
        trusted,
        proxyProtocol: 'optional',
        log,
        onConnection: this.#onConnection,
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn('address is skipped', { component: this.#component, error: reason });
      return undefined;
    }
  }
}
