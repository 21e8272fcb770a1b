// One RADIUS daemon in this process, in front of a fake core, on free ports, with a client for raw packets. Used by tests.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { radiusProviderRow } from '@gatehouse/contract/rest';
import { systemClock } from '@gatehouse/daemon/async';
import { loadConfig } from '@gatehouse/daemon/config';
import { createHealth } from '@gatehouse/daemon/health';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { captureLogger, temporaryFolder } from '@gatehouse/daemon/testing';
import { type Provider, providerFromApi } from '../clients/provider.ts';
import type { ClientSettings } from '../clients/settings.ts';
import { radiusConfig } from '../config.ts';
import type { Drops } from '../datagram/drops.ts';
import { startRadius } from '../start.ts';
import { type FakeCore, type FakeProvider, type FakeUser, startFakeCore } from './fake-core.ts';

export const A1 = 'AQcAFAABAgMEBQYHCAkKCwwNDg8=';
export const A3 = 'AQcAOgABAgMEBQYHCAkKCwwNDg8ZC2F1dGhlbnRpawsJZ3JvdXAtYRsGAAAOEAYGAAAABggGCgECAw==';

export const users: Readonly<Record<string, FakeUser>> = {
  alice: { password: 's3cr3t' },
  carol: { password: 's3cr3t', code: '123456' },
  erin: { password: 'pa;ss' },
  mallory: { password: 's3cr3t', isDenied: true },
  bob16: { password: '0123456789abcdef' },
  bob17: { password: '0123456789abcdefg' },
  bob53: { password: 'correct horse battery staple, and then some more text' },
  bob128: { password: `${'x'.repeat(112)}0123456789abcdef` },
  zoë: { password: 'pässwörd€' },
};

export const p1: FakeProvider = {
  pk: 1,
  name: 'p1',
  shared_secret: 'testing123',
  client_networks: '127.0.0.0/8, ::1/128',
  attributes: A3,
};
export const p2: FakeProvider = {
  pk: 2,
  name: 'p2',
  shared_secret: 'other2',
  client_networks: '127.0.0.2/32',
  attributes: A1,
};

/** Everything as by default. */
export const settings: ClientSettings = {
  requireMessageAuthenticator: 'no',
  limitProxyState: false,
  onCoreFailure: 'drop',
  requireAttributes: false,
  eapMethods: ['tls', 'ttls', 'peap'],
  challenge: false,
  coa: false,
  coaOnChange: 'nothing',
  coaPort: 3799,
  trustCallingStation: false,
  replyUserName: false,
  eapResumptionMs: 0,
};

/** The provider that the daemon makes of a row. */
export function providerOf(row: FakeProvider): Provider {
  return providerFromApi(radiusProviderRow.parse({ ...row, application_slug: row.name, auth_flow_slug: 'login' }));
}

export interface Running extends AsyncDisposable {
  readonly core: FakeCore;
  readonly port: number;
  readonly accountingPort: number;
  readonly radsecPort: number;
  readonly log: ReturnType<typeof captureLogger>;
  readonly drops: Drops;
  metrics(): Promise<string>;
  /** Reads the providers and certificates of the core again. */
  refresh(): Promise<void>;
}

/** @param env further settings, such as `AUTHENTIK_RADIUS__LIMIT_PROXY_STATE` */
export async function startTestRadius(
  given: {
    readonly providers?: readonly FakeProvider[];
    readonly users?: Readonly<Record<string, FakeUser>>;
    readonly env?: Readonly<Record<string, string>>;
    readonly prepare?: (core: FakeCore) => void;
  } = {},
): Promise<Running> {
  const core = await startFakeCore({ users: given.users ?? users, providers: given.providers ?? [p1, p2] });
  given.prepare?.(core);
  const folder = await temporaryFolder();
  const env = {
    AUTHENTIK_RADIUS__ACCOUNTING_FOLDER: join(folder.path, 'accounting'),
    AUTHENTIK_HOST: core.url,
    AUTHENTIK_TOKEN: 'token',
    AUTHENTIK_LISTEN__RADIUS: '127.0.0.1:0',
    AUTHENTIK_LISTEN__ACCOUNTING: '127.0.0.1:0',
    ...given.env,
  };
  const { config } = loadConfig(radiusConfig, { env });
  const log = captureLogger();
  const metrics = createMetrics();
  const ending = new AbortController();
  const parts = { log, startLog: log, metrics, health: createHealth(), clock: systemClock, signal: ending.signal };
  const radius = await startRadius(config, parts);
  while (!log.lines.some(({ event }) => event === 'Update providers'))
    await new Promise((resolve) => setImmediate(resolve));
  return {
    core,
    port: radius.server.bound.radius[0]?.port ?? 0,
    accountingPort: radius.server.bound.accounting[0]?.port ?? 0,
    radsecPort: radius.server.bound.radsec[0]?.port ?? 0,
    log,
    drops: radius.drops,
    metrics: () => metrics.text(),
    refresh: () => radius.refresh(),
    async [Symbol.asyncDispose]() {
      await radius.server.close();
      ending.abort();
      await radius.close();
      await core[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export interface RawClient extends Disposable {
  readonly port: number;
  /** Sends the bytes; resolves with the next datagram that comes back. */
  ask(bytes: Buffer): Promise<Buffer>;
  send(bytes: Buffer): void;
  /** Everything that came back so far. */
  readonly replies: readonly Buffer[];
}

export async function openRawClient(port: number): Promise<RawClient> {
  const socket: Socket = createSocket('udp4');
  const replies: Buffer[] = [];
  socket.on('message', (bytes) => replies.push(bytes));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    replies,
    send: (bytes) => socket.send(bytes, port, '127.0.0.1'),
    async ask(bytes) {
      const answered = once(socket, 'message');
      socket.send(bytes, port, '127.0.0.1');
      const [reply] = await answered;
      return reply;
    },
    [Symbol.dispose]: () => void socket.close(),
  };
}
