// Listeners, certificates and connections of the LDAP server.
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '@gatehouse/daemon/async';
import type { Address } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import { createCidrSet, listenTcp, type Peer, type TcpListener } from '@gatehouse/daemon/net';
import { createCertificateStore, type KeyPair, secureContext, tlsParameters } from '@gatehouse/daemon/tls';
import { resultCode } from '@gatehouse/wire/ldap';
import type { Identity } from './authentication/logins.ts';
import type { LdapConfig } from './config.ts';
import { Connection } from './connection/connection.ts';
import { ConnectionSessions } from './connection/sessions.ts';
import type { CoreLink } from './core.ts';
import type { LdapMetrics } from './metrics.ts';

export interface LdapServer {
  readonly bound: { readonly ldap: readonly Address[]; readonly ldaps: readonly Address[] };
  /** New settings of providers: certificates are swapped, running handshakes keep theirs. */
  providersChanged(): void;
  sessionEnded(sessionId: string): void;
  close(graceMs: number): Promise<void>;
}

export interface LdapServerOptions {
  readonly core: CoreLink;
  readonly config: LdapConfig;
  readonly log: Logger;
  readonly metrics: LdapMetrics;
  readonly clock: Clock;
  readonly fallback: KeyPair;
}

/** @throws GatewayError `ERR_NET_BIND` */
export async function serveLdap(options: LdapServerOptions): Promise<LdapServer> {
  const { config, log, core, metrics } = options;
  const certificates = createCertificateStore(options.fallback);
  const connections = new Set<Connection>();
  const sessions = new ConnectionSessions((identity, clientIp) => endUnused(options, identity, clientIp));
  const wrap = (socket: Socket) =>
    new TLSSocket(socket, {
      ...tlsParameters,
      isServer: true,
      secureContext: certificates.choose(undefined),
      SNICallback: certificates.sniCallback,
    });
  const attach = (component: 'ldap' | 'ldaps') => (socket: Socket, peer: Peer) => {
    const secure = component === 'ldaps';
    const connection = new Connection(secure ? wrap(socket) : socket, {
      ...options,
      clientIp: peer.address,
      secure,
      startTls: wrap,
      onBound: (own, before, now) => sessions.moved(own, before, now),
      onClosed(own) {
        connections.delete(own);
        metrics.connections.set({ component: 'all' }, connections.size);
      },
    });
    connections.add(connection);
    metrics.connections.set({ component: 'all' }, connections.size);
  };
  const shared = {
    limits: { total: config.ldap.max_connections, perClient: config.ldap.max_connections_per_client },
    trusted: createCidrSet(config.listen.trusted_proxy_cidrs),
    proxyProtocol: config.ldap.proxy_protocol,
    log,
  };
  const ldap = await listenTcp({
    ...shared,
    addresses: config.listen.ldap,
    component: 'ldap',
    setting: 'AUTHENTIK_LISTEN__LDAP',
    onConnection: attach('ldap'),
  });
  const ldaps = await listenTcp({
    ...shared,
    addresses: config.listen.ldaps,
    component: 'ldaps',
    setting: 'AUTHENTIK_LISTEN__LDAPS',
    onConnection: attach('ldaps'),
  }).catch(async (error: unknown) => {
    await ldap.close(0);
    throw error;
  });
  return {
    bound: { ldap: ldap.bound, ldaps: ldaps.bound },
    providersChanged: () => swapCertificates(certificates, core),
    sessionEnded(sessionId) {
      if (sessions.end(sessionId) > 0)
        log.info('Disconnecting session due to session end event', { session: sessionId });
    },
    close: (graceMs) => closeAll([ldap, ldaps], connections, graceMs),
  };
}

/** ldap.md §2.4: one provider's certificate for everybody; else by its server name; else one that all share. */
function swapCertificates(certificates: ReturnType<typeof createCertificateStore>, core: CoreLink): void {
  const providers = core.providers();
  const pairs = providers.map(({ certificate }) =>
    certificate === undefined ? undefined : core.certificateOf(certificate),
  );
  const named = new Map(
    providers.flatMap(({ tlsServerName }, at) => {
      const pair = pairs[at];
      return tlsServerName === '' || pair === undefined ? [] : [[tlsServerName, secureContext(pair)] as const];
    }),
  );
  const [first] = pairs;
  const shared = first !== undefined && pairs.every((pair) => pair?.fingerprint === first.fingerprint);
  certificates.replace(named, shared ? secureContext(first) : undefined);
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
