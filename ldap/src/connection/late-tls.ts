// TLS from the moment there is a certificate to fall back on: making one takes as long as all else of the start, so the
// outpost listens before, and clients that want TLS earlier wait.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
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
  #choice: CertificateChoice | undefined;
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

  #use(fallback: KeyPair): TlsWrapper {
    const store = createCertificateStore(fallback);
    const wrap: TlsWrapper = (socket) => putTlsOn(socket, store, this.#clientCa !== undefined);
    this.#wrap = wrap;
    this.#show = (choice) => showCertificates(store, choice, { fallback, clientCa: this.#clientCa });
    if (this.#choice !== undefined) this.#show(this.#choice);
    return wrap;
  }
}
