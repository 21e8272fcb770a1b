// Listeners, certificates and connections of the LDAP server.
import type { Socket } from 'node:net';
import { type Clock, supervise } from '@gatehouse/daemon/async';
import type { Address } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import type { Labels, Reading } from '@gatehouse/daemon/metrics';
import { createCidrSet, createConnectionCount, listenTcp, type Peer, type TcpListener } from '@gatehouse/daemon/net';
import type { KeyPair } from '@gatehouse/daemon/tls';
import { resultCode } from '@gatehouse/wire/ldap';
import type { Identity } from './authentication/logins.ts';
import type { LdapConfig } from './config.ts';
import { chooseCertificates } from './connection/certificates.ts';
import { Connection } from './connection/connection.ts';
import { LateTls, renewFallback } from './connection/late-tls.ts';
import { ConnectionSessions } from './connection/sessions.ts';
import type { CoreLink } from './core.ts';
import type { LdapMetrics } from './metrics.ts';
import { KnownSearches } from './operations/known-searches.ts';
import { after } from './operations/soon.ts';
import type { Provider } from './providers/provider.ts';

export interface LdapServer {
  readonly bound: { readonly ldap: readonly Address[]; readonly ldaps: readonly Address[] };
  /** New settings of providers: certificates are swapped, running handshakes keep theirs. */
  providersChanged(): void;
  sessionEnded(sessionId: string): void;
  /** Whoever is bound as this user is cut off. */
  userOut(userPk: number): void;
  close(graceMs: number): Promise<void>;
}

export interface LdapServerOptions {
  readonly core: CoreLink;
  readonly config: LdapConfig;
  readonly log: Logger;
  readonly metrics: LdapMetrics;
  readonly clock: Clock;
  /** Makes the certificate of last resort; called once everything listens. */
  readonly fallback: () => Promise<KeyPair>;
  /** PEM of whoever may vouch for client certificates; without it none is asked for. */
  readonly clientCa: string | undefined;
}

/** @throws GatewayError `ERR_NET_BIND` */
export async function serveLdap(options: LdapServerOptions): Promise<LdapServer> {
  const { config, log, core, metrics } = options;
  const tls = new LateTls(options.clientCa);
  const connections = new Set<Connection>();
  const known = new KnownSearches();
  const sessions = new ConnectionSessions((identity, clientIp) => endUnused(options, identity, clientIp));
  metrics.watchConnections(() => countConnections(connections));
  const attach = (socket: Socket, peer: Peer, secure: boolean): void => {
    const connection = new Connection(socket, {
      component: secure ? 'ldaps' : 'ldap',
      ...options,
      known,
      clientIp: peer.address,
      secure,
      startTls: () => tls.wrap,
      onBound: (own, before, now) => sessions.moved(own, before, now),
      onClosed(own) {
        connections.delete(own);
        metrics.bytes.in.add(own.traffic.read);
        metrics.bytes.out.add(own.traffic.written);
      },
    });
    connections.add(connection);
  };
  const shared = {
    limits: { total: config.ldap.max_connections, perClient: config.ldap.max_connections_per_client },
    count: createConnectionCount(),
    makeRoom: () => shedIdle(connections, log),
    trusted: createCidrSet(config.listen.trusted_proxy_cidrs),
    proxyProtocol: config.ldap.proxy_protocol,
    log,
  };
  const ldap = await listenTcp({
    ...shared,
    addresses: config.listen.ldap,
    component: 'ldap',
    setting: 'AUTHENTIK_LISTEN__LDAP',
    onConnection: (socket, peer) => attach(socket, peer, false),
  });
  const ldaps = await listenTcp({
    ...shared,
    addresses: config.listen.ldaps,
    component: 'ldaps',
    setting: 'AUTHENTIK_LISTEN__LDAPS',
    onConnection: (socket, peer) => void after(tls.wrap, (wrap) => attach(wrap(socket), peer, true)),
  }).catch(async (error: unknown) => {
    await ldap.close(0);
    throw error;
  });
  tls.begin(options.fallback());
  const watch = setInterval(() => endSilent(connections, options.clock.monotonicMs()), silenceCheckedMs).unref();
  const ending = new AbortController();
  const lasting = { clock: options.clock, signal: ending.signal };
  void supervise(log, 'fallback certificate', () => renewFallback(tls, options.fallback, lasting), lasting);
  return {
    bound: { ldap: ldap.bound, ldaps: ldaps.bound },
    providersChanged() {
      const pairOf = ({ certificate }: Provider) =>
        certificate === undefined ? undefined : core.certificateOf(certificate);
      tls.show(chooseCertificates(core.providers(), pairOf));
    },
    sessionEnded(sessionId) {
      if (sessions.end(sessionId) > 0)
        log.info('Disconnecting session due to session end event', { session: sessionId });
    },
    userOut(userPk) {
      const count = sessions.endUser(userPk);
      if (count > 0) log.info('Disconnecting user who may not stay', { user_pk: userPk, count });
    },
    close(graceMs) {
      ending.abort();
      clearInterval(watch);
      return closeAll([ldap, ldaps], connections, graceMs);
    },
  };
}

const silenceCheckedMs = 1_000;

/** Linear in connections: a millisecond for twenty thousand. */
function endSilent(connections: ReadonlySet<Connection>, nowMs: number): void {
  for (const connection of connections) connection.endIfSilent(nowMs);
}

function countConnections(connections: ReadonlySet<Connection>): Reading[] {
  const counts = new Map<string, { readonly labels: Labels; value: number }>();
  for (const { component, secure, identity } of connections) {
    const labels = { component, tls: String(secure), bound: String(identity !== undefined) };
    const key = Object.values(labels).join(' ');
    const counted = counts.get(key) ?? { labels, value: 0 };
    counted.value += 1;
    counts.set(key, counted);
  }
  return [...counts.values()];
}

/** Under pressure the longest idle go first, some at a time, so that a flood is not answered with a search for each of it. */
function shedIdle(connections: ReadonlySet<Connection>, log: Logger): boolean {
  const idle = [...connections].filter((one) => one.idle).sort((one, other) => one.activeMs - other.activeMs);
  const shed = idle.slice(0, Math.max(1, Math.ceil(connections.size / 100)));
  for (const connection of shed) connection.disconnect(resultCode.busy, 'making room for others');
  if (shed.length > 0) log.warn('idle connections shed', { count: shed.length });
  return shed.length > 0;
}

function endUnused({ config, core, log }: LdapServerOptions, identity: Identity, clientIp: string): void {
  const { logout_on_close: when } = config.ldap;
  if (when === 'never' || (when === 'direct' && identity.provider.bindMode === 'cached')) return;
  // Remembered second factors stand on their session.
  if (identity.usedMfa && config.ldap.mfa_remember > 0) return;
  core.logins.endSession(identity, clientIp).catch((error: unknown) => {
    log.debug('session not ended', { error: error instanceof Error ? error.message : String(error) });
  });
}

async function closeAll(
  listeners: readonly TcpListener[],
  connections: ReadonlySet<Connection>,
  graceMs: number,
): Promise<void> {
  const closing = listeners.map((listener) => listener.close(graceMs));
  for (const connection of connections) connection.disconnect(resultCode.unavailable, 'the server is shutting down');
  await Promise.all(closing);
}
