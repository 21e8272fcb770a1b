// The rooms of one proxy wired together, without listeners and without an outpost: what the daemon runs, and what tests and
// benchmarks drive directly.
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import type { CidrSet } from '@gatehouse/daemon/net';
import type { Application } from './applications/application.ts';
import type { Lookup } from './applications/lookup.ts';
import { createAuthenticator } from './authentication/authenticate.ts';
import { type Credentials, createCredentials } from './authentication/credentials.ts';
import { createLiveness, type Liveness } from './authentication/liveness.ts';
import { createEventGate } from './core.ts';
import { createGateway, type Gateway } from './gateway.ts';
import type { Rooms } from './modes/context.ts';
import { createBackChannel } from './oidc/back-channel.ts';
import { createCorePresence } from './oidc/core-presence.ts';
import { createLogins } from './oidc/login.ts';
import { createLogoutTokens } from './oidc/logout-token.ts';
import { createTokens } from './oidc/tokens.ts';
import { createTokenVerifier } from './oidc/verify.ts';
import { clientAddress, type Incoming } from './request/incoming.ts';
import { createRateLimit } from './request/rate-limit.ts';
import type { SessionKey } from './sessions/record.ts';
import { createSessions, type Sessions } from './sessions/sessions.ts';
import type { SessionStore } from './sessions/store.ts';
import { type Balancer, createBalancer } from './upstream/balancer.ts';
import { createFastLane } from './upstream/fast-lane.ts';
import { createForwarding, type Forwarding } from './upstream/forwarding.ts';
import { createHealthChecks } from './upstream/health-checks.ts';
import { createPools } from './upstream/pools.ts';
import { createTunnels, type Tunnels } from './upstream/tunnels.ts';
import type { Notice } from './workers/messages.ts';

export interface EngineOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: SessionStore;
  readonly lookup: () => Lookup<Application> | undefined;
  readonly insecure: boolean;
  readonly userAgent: string;
  /** Unix socket behind which the core is; set where proxy and core share a machine. */
  readonly coreSocket?: string;
  readonly strict: boolean;
  /** Longest life of a session that is renewed. */
  readonly longestSessionMs: number;
  /** Our own proxies, and whoever else is not limited. */
  readonly trusted: CidrSet;
  /** Sends an event to the core; the answer is of no interest. */
  readonly report: (event: object) => void;
}

export interface Engine {
  readonly gateway: Gateway;
  /** For tests of single parts. */
  readonly rooms: Rooms;
  readonly sessions: Sessions;
  readonly forwarding: Forwarding;
  readonly balancer: Balancer;
  readonly tunnels: Tunnels;
  /** The core says that a session ended (§7.7). @throws GatewayError `ERR_PROXY_SESSION_STORE` */
  endCoreSession(sid: string): Promise<void>;
  /** Told of what ended or changed here, unless a sibling said it. */
  onEnded(listener: (ended: Omit<Notice, 'kind'>) => void): void;
  siblingEnded(ended: Notice): Promise<void>;
  /** Users, groups or rights have changed in the core: what header credentials were told is asked for anew. */
  coreChanged(): void;
  /** The control channel opened or broke. */
  readonly liveness: Liveness;
  /** Checks those of their upstreams that ask for it, and no others. */
  watchUpstreams(applications: readonly Application[]): void;
  close(): Promise<void>;
}

export function createEngine(options: EngineOptions): Engine {
  const { clock, log, store } = options;
  const backChannel = createBackChannel(options);
  const verifier = createTokenVerifier(backChannel, clock);
  const tokens = createTokens(backChannel, verifier);
  const presence = createCorePresence(backChannel, clock);
  const sessions = createSessions({
    store,
    clock,
    log,
    tokens,
    longestMs: options.longestSessionMs,
    // Replicas that cannot lock a session are not to think of renewing it at the same moment.
    ...(store.isAdmitted === undefined ? {} : { renewAfter: 0.75 + Math.random() * 0.2 }),
  });
  const credentials = createCredentials(tokens, clock);
  const balancer = createBalancer(clock);
  const pools = createPools();
  const forwarding = createForwarding({ pools, fastLane: createFastLane(), balancer, log, clock });
  const healthChecks = createHealthChecks({ pools, balancer, clock, log });
  const tunnels = createTunnels();
  const endCoreSession = async (sid: string) => {
    credentials.endBySid(sid);
    log.info('core session ended', { count: await sessions.endBySid(sid) });
  };
  sessions.onEnd((ended) => tunnels.end(ended));
  const siblings = createSiblingNotices(sessions, credentials);
  const liveness = createLiveness({
    tokens,
    log,
    clock,
    // A store without records does not know what ended while we were away.
    distrustsStart: store.isAdmitted !== undefined,
    async end({ claims }) {
      if (claims.sid !== undefined) await endCoreSession(claims.sid);
      else await sessions.endBySub(claims.sub);
    },
  });
  const failedCredentials = createRateLimit(clock, 10);
  const addressOf = (request: Incoming) => limitedAddress(request, options.trusted);
  const rooms: Rooms = {
    authenticator: createAuthenticator(sessions, credentials, {
      failures: { limit: failedCredentials, addressOf },
      liveness,
    }),
    logins: createLogins({ clock, log, sessions, tokens, presence }),
    sessions,
    logoutTokens: createLogoutTokens(verifier, clock),
    limits: {
      login: createRateLimit(clock, 30),
      failedCredentials,
      addressOf,
    },
    endCoreSession,
    endCredentials: (sub) => credentials.endBySub(sub),
    revokeTokens: async (application, given) => {
      if (store.isAdmitted === undefined) return;
      for (const token of given) if (token !== '') await tokens.revoke(application, token);
    },
    clock,
    strict: options.strict,
    misconfigured: createReporter(options),
  };
  return {
    gateway: createGateway({ log, lookup: options.lookup, rooms }),
    rooms,
    sessions,
    forwarding,
    balancer,
    tunnels,
    endCoreSession,
    coreChanged: oncePer(clock, 1_000, () => credentials.endAll()),
    ...siblings,
    liveness: {
      ...liveness,
      channel(isOpen) {
        presence.channel(isOpen);
        liveness.channel(isOpen);
        if (!isOpen) return;
        // An open tunnel asks for nothing any more, so it would never be looked at again.
        for (const identity of tunnels.identities()) {
          const application = options.lookup()?.byPk(identity.applicationPk);
          if (application !== undefined) liveness.seen(application, identity);
        }
        liveness.sweep(sessions.held());
      },
    },
    watchUpstreams: (applications) => healthChecks.watch(applications.flatMap(({ upstreams }) => upstreams)),
    async close() {
      healthChecks.close();
      await Promise.all([backChannel[Symbol.asyncDispose](), forwarding[Symbol.asyncDispose]()]);
    },
  };
}

/** Runs at once, and again at the end of `ms` if it was asked for meanwhile: a busy core tells of changes without end. */
function oncePer(clock: Pick<Clock, 'sleep'>, ms: number, run: () => void): () => void {
  let isResting = false;
  let isWanted = false;
  const rest = async () => {
    do {
      isWanted = false;
      run();
      await clock.sleep(ms);
    } while (isWanted);
    isResting = false;
  };
  return () => {
    isWanted = true;
    if (isResting) return;
    isResting = true;
    void rest();
  };
}

/** §17.18: addresses of trusted networks are reverse proxies or neighbours, not the internet. */
function limitedAddress(request: Incoming, trusted: CidrSet): string | undefined {
  const address = clientAddress(request, trusted);
  return trusted.has(address) ? undefined : address;
}

/** §13.4: what the reverse proxy sent, without anybody's credentials. */
function createReporter(options: EngineOptions): (application: Application, request: Incoming, kind: string) => void {
  const isDue = createEventGate(options.clock);
  return (application, request, kind) => {
    if (!isDue(application.pk)) return;
    const { outpostName, providerName } = application.headerSource;
    const message = `Outpost ${outpostName} (Provider ${providerName}) failed to detect a forward URL from ${kind}`;
    options.log.error('reverse proxy not configured for forward authentication', {
      name: providerName,
      mode: kind,
      hint: message,
    });
    const context = {
      message,
      provider: providerName,
      outpost: outpostName,
      url: request.rawTarget,
      headers: shownHeaders(request),
    };
    options.report({
      action: 'configuration_error',
      app: 'authentik.providers.proxy',
      client_ip: request.peer,
      context,
    });
  };
}

function shownHeaders({ headers }: Incoming): Record<string, string> {
  const hidden = new Set(['cookie', 'authorization', 'proxy-authorization']);
  const shown = Object.entries(headers).filter(([name]) => !hidden.has(name));
  return Object.fromEntries(
    shown.map(([name, value]) => [name, typeof value === 'string' ? value : (value?.[0] ?? '')]),
  );
}

/** What ends is told to the other workers of this proxy, but nothing that one of them has told. */
function createSiblingNotices(sessions: Sessions, credentials: Credentials): Pick<Engine, 'onEnded' | 'siblingEnded'> {
  const told = new Set<string>();
  const nameOf = ({ sub, sid }: { readonly sub?: string | undefined; readonly sid?: string | undefined }) =>
    `${sub} ${sid}`;
  return {
    onEnded(listener) {
      sessions.onEnd((ended) => {
        if (!told.has(nameOf(ended))) listener(ended);
      });
      sessions.onChange((key, value) => listener({ key, value }));
    },
    async siblingEnded(ended) {
      const { sub, sid, key, value } = ended;
      if (key !== undefined) await sessions.changedElsewhere(key as SessionKey, value); // what a worker's `onEnded` has told
      told.add(nameOf(ended));
      try {
        if (sub !== undefined) {
          credentials.endBySub(sub);
          await sessions.endBySub(sub);
        }
        if (sid !== undefined) {
          credentials.endBySid(sid);
          await sessions.endBySid(sid);
        }
      } finally {
        told.delete(nameOf(ended));
      }
    },
  };
}
