// RadSec to a home server (RFC 6614): one TLS connection, dialled when it is needed and again when it has broken. Both ends
// prove themselves: the server by a certificate of the configured authority for the configured name, we by our own. The files
// are read for each connection, so renewed ones count from the next on.
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { Address } from '@gatehouse/daemon/config';
import { tlsParameters } from '@gatehouse/daemon/tls';
import { readPackets } from '../radsec/packet-stream.ts';
import type { Wire, WireEvents } from './wire.ts';

/** Paths of PEM files, and the name that the server's certificate must be for. */
export interface TlsNames {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly serverName: string;
}

const handshakeMs = 5_000;
const keepAliveMs = 30_000;

export function openTlsWire(to: Address, names: TlsNames, events: WireEvents): Wire {
  return new TlsWire(to, names, events);
}

class TlsWire implements Wire {
  readonly isReliable = true;
  readonly #to: Address;
  readonly #names: TlsNames;
  readonly #events: WireEvents;
  #state: 'closed' | 'dialling' | 'open' | 'ended' = 'closed';
  #socket: TLSSocket | undefined;
  /** What came over this connection was from the server. */
  #isProven = false;

  constructor(to: Address, names: TlsNames, events: WireEvents) {
    this.#to = to;
    this.#names = names;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  open(): void {
    if (this.#state !== 'closed') return;
    this.#state = 'dialling';
    readContext(this.#names).then(
      (context) => this.#state === 'dialling' && this.#dial(context),
      (error: Error) => this.#fail(error.message),
    );
  }

  send(bytes: Buffer): void {
    this.#socket?.write(bytes);
  }

  reset(reason: string): void {
    this.#isProven = false;
    this.#socket?.destroy(new Error(reason));
  }

  close(): void {
    this.#state = 'ended';
    this.#socket?.destroy();
  }

  #dial(secureContext: SecureContext): void {
    const { host, port } = this.#to;
    const { serverName } = this.#names;
    const isNamed = isIP(serverName) === 0; // an address is no SNI, but is looked for in the certificate all the same
    const socket = connect({ secureContext, host, port, ...(isNamed ? { servername: serverName } : {}) });
    let reason = 'the connection was closed';
    this.#isProven = false;
    this.#socket = socket;
    socket.setNoDelay(true).setKeepAlive(true, keepAliveMs);
    socket.setTimeout(handshakeMs, () => socket.destroy(new Error(`no TLS within ${handshakeMs / 1_000} s`)));
    socket.once('secureConnect', () => {
      socket.setTimeout(0);
      this.#state = 'open';
      this.#events.onOpen();
    });
    socket.on('error', (error) => {
      reason = error.message;
    });
    readPackets(socket, (bytes) => {
      this.#isProven = true;
      this.#events.onPacket(bytes);
    });
    // One that ends before it has answered anything would be dialled for ever: it is none. In TLS 1.3 a server that refuses our
    // certificate says so only now.
    socket.once('close', () => {
      if (this.#state === 'ended') return;
      if (!this.#isProven) return this.#fail(reason);
      this.#state = 'closed';
      this.#events.onEnd();
    });
  }

  #fail(reason: string): void {
    if (this.#state === 'ended') return;
    this.#state = 'closed';
    this.#events.onUnreachable(reason);
  }
}

/** @throws Error with the path of what cannot be read, or is none of what it should be */
async function readContext({ ca, certificate, key }: TlsNames): Promise<SecureContext> {
  const [caPem, cert, keyPem] = await Promise.all([ca, certificate, key].map((path) => readFile(path, 'utf8')));
  try {
    return createSecureContext({ ...tlsParameters, ca: caPem, cert, key: keyPem });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `${certificate}, ${key} and ${ca} are not a certificate, its key and an authority in PEM: ${reason}`,
      { cause },
    );
  }
}
