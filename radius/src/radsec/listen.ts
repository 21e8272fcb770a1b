// RadSec: RADIUS over TLS (RFC 6614, radius.md B09). Packets follow each other in the stream; what is malformed or wrongly
// signed ends the connection. A client certificate of the configured CA is required, and it selects the provider.
import { readFile } from 'node:fs/promises';
import { createServer, type TLSSocket } from 'node:tls';
import type { Clock } from '@gatehouse/daemon/async';
import type { Address } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import { canonicalIp, listenTcp, type TcpListener } from '@gatehouse/daemon/net';
import { tlsParameters } from '@gatehouse/daemon/tls';
import { createSourceBudget } from '../clients/budget.ts';
import type { ClientSettings } from '../clients/settings.ts';
import type { ClientTable } from '../clients/table.ts';
import { createDuplicates } from '../datagram/duplicates.ts';
import { createReceiver, type Receiver, type ReceiverOptions } from '../datagram/receive.ts';
import type { DropReason } from '../errors.ts';
import { readPackets } from './packet-stream.ts';
import { findPeer } from './peers.ts';

export interface RadsecOptions extends Omit<ReceiverOptions, 'port' | 'duplicates' | 'onDrop' | 'budget'> {
  readonly addresses: readonly Address[];
  /** In work at a time for one connection. */
  readonly requestsPerSource: number;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  /** `fingerprint=application`. */
  readonly peers: readonly string[];
  /** What holds for a peer of this application at this address. */
  readonly settingsOf: (app: string, address: string) => ClientSettings;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where the sockets are told. */
  readonly startLog: Logger;
}

export interface RadsecServer {
  readonly bound: readonly Address[];
  close(): Promise<void>;
}

const limits = { total: 1_000, perClient: 100 };
const handshakeMs = 10_000;
const idleMs = 10 * 60_000;
const drainMs = 5_000;
const fatal: ReadonlySet<DropReason> = new Set(['malformed', 'bad_message_authenticator', 'bad_authenticator']);

/** @throws GatewayError `ERR_NET_BIND`, or the reason why a file cannot be read */
export async function listenRadsec(options: RadsecOptions): Promise<RadsecServer> {
  const files = [options.certificateFile, options.keyFile, options.caFile].map((path) => readFile(path, 'utf8'));
  const [cert = '', key = '', ca = ''] = await Promise.all(files);
  const open = new Set<Receiver>();
  // It never listens itself: sockets are handed to it once they are admitted.
  const tls = createServer({
    ...tlsParameters,
    cert,
    key,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: handshakeMs,
  });
  tls.on('secureConnection', (socket) => serveConnection(options, socket, open));
  tls.on('tlsClientError', (error, socket) => {
    options.log.warn('RadSec handshake refused', {
      client: canonicalIp(socket.remoteAddress ?? ''),
      error: error.message,
    });
    socket.destroy();
  });
  const listener: TcpListener = await listenTcp({
    addresses: options.addresses,
    component: 'radsec',
    setting: 'AUTHENTIK_LISTEN__RADSEC',
    limits,
    log: options.startLog,
    onConnection: (socket) => void tls.emit('connection', socket),
  });
  return {
    bound: listener.bound,
    async close() {
      await Promise.all([...open].map((receiver) => receiver.drain()));
      await listener.close(drainMs);
    },
  };
}

function serveConnection(options: RadsecOptions, socket: TLSSocket, open: Set<Receiver>): void {
  const address = canonicalIp(socket.remoteAddress ?? '');
  const { fingerprint256 = '' } = socket.getPeerCertificate();
  socket.on('error', (error) => options.log.debug('connection failed', { client: address, error: error.message }));
  const peerIn = ({ providers }: ClientTable) =>
    findPeer(options.peers, fingerprint256, providers, (app) => options.settingsOf(app, address));
  const isKnown = peerIn(options.clients()) !== undefined;
  if (!isKnown) {
    options.log.warn('RadSec peer without provider', {
      client: address,
      hint: `Add ${fingerprint256}=<application> to the peers.`,
    });
    socket.destroy();
    return;
  }
  const clients = (): ClientTable => {
    const table = options.clients();
    return { providers: table.providers, find: () => peerIn(table) };
  };
  const receiver = createReceiver({
    ...options,
    port: 'authentication',
    clients,
    budget: createSourceBudget({ most: options.requestsPerSource }),
    duplicates: createDuplicates(options.clock, { keepMs: 10_000, maxEntries: 1_000 }),
    onDrop: (reason) => {
      if (fatal.has(reason)) socket.destroy();
    },
  });
  open.add(receiver);
  socket.once('close', () => open.delete(receiver));
  socket.setTimeout(idleMs, () => socket.destroy());
  const from = { address, port: socket.remotePort ?? 0 };
  readPackets(socket, (packet) =>
    receiver.receive(packet, from, (reply) => void (socket.writable && socket.write(reply)), 0),
  );
}
