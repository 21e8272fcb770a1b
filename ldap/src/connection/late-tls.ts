// TLS from the moment there is a certificate to fall back on: making one takes as long as all else of the start, so the
// outpost listens before, and clients that want TLS earlier wait. That one is made anew before it expires.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '@gatehouse/daemon/async';
import { createCertificateStore, type KeyPair } from '@gatehouse/daemon/tls';
import type { Soon } from '../operations/soon.ts';
import { type CertificateChoice, showCertificates } from './certificates.ts';
import { putTlsOn } from './tls-layer.ts';

export type TlsWrapper = (socket: Socket) => TLSSocket;

export class LateTls {
  readonly #clientCa: string | undefined;
  readonly #ready: Promise<TlsWrapper>;
  #begin: (pair: Promise<KeyPair>) => void = () => undefined;
  #show: ((choice: CertificateChoice) => void) | undefined;
  #choice: CertificateChoice = { named: new Map(), standard: undefined };
  #fallback: KeyPair | undefined;
  #wrap: TlsWrapper | undefined;

  /** @param clientCa PEM of whoever may vouch for client certificates; without it none is asked for */
  constructor(clientCa: string | undefined) {
    this.#clientCa = clientCa;
    const pair = new Promise<KeyPair>((resolve) => {
      this.#begin = resolve;
    });
    this.#ready = pair.then((fallback) => this.#use(fallback));
  }

  /** @param fallback the certificate of last resort, in the making */
  begin(fallback: Promise<KeyPair>): void {
    this.#begin(fallback);
  }

  /** Puts TLS on a plain socket. */
  get wrap(): Soon<TlsWrapper> {
    return this.#wrap ?? this.#ready;
  }

  /** Handshakes under way keep what they began with. */
  show(choice: CertificateChoice): void {
    this.#choice = choice;
    this.#show?.(choice);
  }

  /** Another certificate of last resort, for handshakes from now on. */
  renew(fallback: KeyPair): void {
    this.#fallback = fallback;
    this.show(this.#choice);
  }

  #use(fallback: KeyPair): TlsWrapper {
    const store = createCertificateStore(fallback);
    const wrap: TlsWrapper = (socket) => putTlsOn(socket, store, this.#clientCa !== undefined);
    this.#wrap = wrap;
    this.#fallback = fallback;
    this.#show = (choice) =>
      showCertificates(store, choice, { fallback: this.#fallback ?? fallback, clientCa: this.#clientCa });
    this.#show(this.#choice);
    return wrap;
  }
}

const dayMs = 86_400_000;
/** Of its 365 days, which clients that pin it have to see the new one. */
const renewAfterDays = 335;

/** Has the certificate made anew before it expires, until the signal. A day at a time: timers are no longer than 24 days. */
export async function renewFallback(
  tls: LateTls,
  make: () => Promise<KeyPair>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  for (let days = 0; !signal.aborted; days += 1) {
    if (days >= renewAfterDays) {
      tls.renew(await make());
      days = 0;
    }
    await clock.sleep(dayMs, signal).catch(() => undefined); // aborted: the loop's own condition ends it
  }
}
