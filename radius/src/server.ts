// Sockets and what is behind them: one receiver per port, over one client table.
import type { Clock } from '@gatehouse/daemon/async';
import type { Address } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import { listenUdp, type UdpListener } from '@gatehouse/daemon/net';
import { createSourceBudget } from './clients/budget.ts';
import type { MessageAuthenticatorGate } from './clients/message-authenticator-policy.ts';
import { createNotices, type Notices } from './clients/notices.ts';
import type { ClientTable } from './clients/table.ts';
import type { Share } from './datagram/admit.ts';
import type { Drops } from './datagram/drops.ts';
import { createDuplicates } from './datagram/duplicates.ts';
import { createReceiver, type Receiver } from './datagram/receive.ts';
import type { Operation } from './datagram/request.ts';
import type { RadiusMetrics } from './metrics.ts';
import { listenRadsec, type RadsecOptions, type RadsecServer } from './radsec/listen.ts';
import type { News, SocketNews } from './workers/messages.ts';
import { ownerOf } from './workers/owner.ts';
import type { Siblings } from './workers/siblings.ts';

export interface ServerOptions {
  readonly listen: {
    readonly radius: readonly Address[];
    readonly accounting: readonly Address[];
    readonly radsec: readonly Address[];
  };
  readonly radsec: Pick<RadsecOptions, 'certificateFile' | 'keyFile' | 'caFile' | 'peers' | 'settingsOf'>;
  /** Other processes on the same authentication sockets. */
  readonly siblings?: Siblings;
  readonly gate: MessageAuthenticatorGate;
  readonly drops: Drops;
  readonly requestsPerSource: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where the sockets are told. */
  readonly startLog: Logger;
  readonly metrics: RadiusMetrics;
  readonly clients: () => ClientTable;
  readonly onNews: (news: Exclude<News, SocketNews>) => void;
  readonly authentication: ReadonlyMap<number, Operation>;
  readonly accounting: ReadonlyMap<number, Operation>;
}

export interface RadiusServer {
  readonly bound: {
    readonly radius: readonly Address[];
    readonly accounting: readonly Address[];
    readonly radsec: readonly Address[];
  };
  /** Takes nothing new, answers what is in work, then closes the sockets. */
  close(): Promise<void>;
}

/** RFC 5080 §2.2.2: 5 to 30 s. */
const keepReplyMs = 10_000;
const maxDuplicates = 65_536;

/** @throws GatewayError `ERR_NET_BIND` */
export async function listenRadius(options: ServerOptions): Promise<RadiusServer> {
  const notices = createNotices(options.clock);
  const { gate } = options;
  const open = async (port: 'authentication' | 'accounting', addresses: readonly Address[], setting: string) => {
    const duplicates = createDuplicates(options.clock, { keepMs: keepReplyMs, maxEntries: maxDuplicates });
    const share = options.siblings && port === 'authentication' ? { share: shareOf(options.siblings) } : {};
    const budget = createSourceBudget({
      most: options.requestsPerSource,
      ...(share.share && { tell: share.share.inWork }),
    });
    const receiver = createReceiver({
      ...options,
      ...share,
      budget,
      port,
      notices,
      gate,
      duplicates,
      operations: options[port],
    });
    const component = port === 'authentication' ? 'radius' : 'accounting';
    const listener = await listenUdp({
      addresses,
      component,
      setting,
      log: options.startLog,
      onDatagram: receiver.receive,
    });
    return { receiver, listener, budget };
  };
  const radius = await open('authentication', options.listen.radius, 'AUTHENTIK_LISTEN__RADIUS');
  const accounting = await open('accounting', options.listen.accounting, 'AUTHENTIK_LISTEN__ACCOUNTING').catch(
    async (error: unknown) => {
      await radius.listener.close();
      throw error;
    },
  );
  const radsec = await openRadsec(options, notices, gate).catch(async (error: unknown) => {
    await Promise.all([radius, accounting].map(closePort));
    throw error;
  });
  options.siblings?.listen({
    onNews(news) {
      if (news.kind === 'in_work') radius.budget.hear(news.worker, news.client, news.count);
      else if (news.kind === 'started') radius.budget.forget(news.worker);
      else options.onNews(news);
    },
    onDatagram({ bytes, address, port, listener }) {
      const from = { address, port };
      const reply = (answer: Uint8Array) => radius.listener.send(listener, answer, from);
      radius.receiver.receive(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), from, reply, undefined);
    },
  });
  options.siblings?.tell({ kind: 'started', worker: options.siblings.number });
  return {
    bound: { radius: radius.listener.bound, accounting: accounting.listener.bound, radsec: radsec?.bound ?? [] },
    async close() {
      await Promise.all([...[radius, accounting].map(closePort), radsec?.close()]);
    },
  };
}

/** Sessions with devices that are told of their end are all kept by the first worker, which takes accounting. */
function shareOf({ number, count, handOn, tell }: Siblings): Share {
  return {
    number,
    ownerOf: (packet, from, { settings }) => (settings.coa ? 0 : ownerOf(packet, from, count)),
    handOn: (to, bytes, { address, port }, listener) => handOn(to, { bytes, address, port, listener }),
    latched: (client) => tell({ kind: 'latched', client }),
    inWork: (client, count) => tell({ kind: 'in_work', worker: number, client, count }),
  };
}

/** Without a CA nobody could be told apart, so nothing listens. */
async function openRadsec(
  options: ServerOptions,
  notices: Notices,
  gate: MessageAuthenticatorGate,
): Promise<RadsecServer | undefined> {
  if (options.listen.radsec.length === 0 || options.radsec.caFile === '') return undefined;
  const operations = new Map([...options.accounting, ...options.authentication]);
  return listenRadsec({ ...options, ...options.radsec, addresses: options.listen.radsec, notices, gate, operations });
}

async function closePort({ receiver, listener }: { receiver: Receiver; listener: UdpListener }): Promise<void> {
  await receiver.drain();
  await listener.close();
}
