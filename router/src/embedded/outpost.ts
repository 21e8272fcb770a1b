// The embedded outpost (router.md §7.1, §14): the proxy's own rooms behind our listeners. It speaks to the core as every
// outpost does, by REST and its own control channel, through our unix socket, which stays while cores come and go.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { socketAddress } from '@gatehouse/contract/client';
import { contractVersion } from '@gatehouse/contract/versions';
import type { Clock } from '@gatehouse/daemon/async';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { createCidrSet } from '@gatehouse/daemon/net';
import type { KeyPair } from '@gatehouse/daemon/tls';
import type { EmbeddedPeer } from '@gatehouse/proxy/embedded';
import { localSocketPath, type RouterConfig } from '../config.ts';
import { withoutForwarding } from '../forwarding/forwarded.ts';
import { connectionOf } from '../listeners/connections.ts';
import type { ApplicationHandler, Asked } from './application-handler.ts';

export interface EmbeddedOutpost extends ApplicationHandler, AsyncDisposable {
  /** The core is there: start asking it, once. */
  connect(): void;
}

export interface EmbeddedOutpostOptions {
  readonly config: RouterConfig;
  /** Where browsers reach us, when neither settings nor outpost say so. */
  readonly publicUrl: () => string;
  readonly fallback: Promise<KeyPair>;
  /** Takes access lines. */
  readonly output: { write(line: string): void };
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Whether other workers of this router serve the same sessions. */
  readonly hasSiblings: boolean;
}

/** @returns `undefined` where it is switched off, or there is no key to speak to the core with */
export async function openEmbeddedOutpost(options: EmbeddedOutpostOptions): Promise<EmbeddedOutpost | undefined> {
  const { config, health } = options;
  const token = config.secret_key;
  if (config.outposts.disable_embedded_outpost || token === undefined) return undefined;
  // Loaded here: a router without it has no use for sessions, tokens and their libraries.
  const { createEmbeddedProxy } = await import('@gatehouse/proxy/embedded');
  const coreSocket = localSocketPath(config);
  const proxy = await createEmbeddedProxy({
    ...options,
    session: { ...config.session, path: config.session.path || sessionFolder(config) },
    core: { host: socketAddress(coreSocket, config.web.path), token, insecure: false },
    hostBrowser: (configured) => config.web.public_url ?? (configured || options.publicUrl()),
    coreSocket,
    strict: false,
    trusted: createCidrSet(config.listen.trusted_proxy_cidrs),
    version: `goauthentik.io/outpost/${contractVersion}`,
    fallback: await options.fallback,
    // A first start changes its providers in the very moment in which this outpost connects.
    readAgainOnOpen: true,
    loggedHeaders: config.log.http_headers,
    health: { ...health, set: (component, status) => health.set(`embedded_outpost_${component}`, status) },
  });
  if (options.hasSiblings) proxy.joinSiblings();
  return {
    claims: (client, target) => proxy.claims(client.host, client.scheme, target),
    handle(request, response, asked) {
      withoutForwarding(request, asked.client);
      proxy.serve(request, response, peerOf(request.socket, asked));
    },
    upgrade(request, socket, head, asked) {
      withoutForwarding(request, asked.client);
      proxy.upgrade(request, socket, head, peerOf(request.socket, asked));
    },
    certificate: (serverName) => proxy.certificate(serverName),
    connect: () => proxy.connect(options.signal),
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

function peerOf(socket: { readonly remotePort?: number | undefined }, { client, id, own }: Asked): EmbeddedPeer {
  const { address, tls } = connectionOf(socket);
  return {
    address,
    port: socket.remotePort ?? 0,
    trusted: client.trusted,
    scheme: tls ? 'https' : 'http',
    requestId: id,
    added: own,
  };
}

function sessionFolder({ instance_name }: RouterConfig): string {
  return join(tmpdir(), `gatehouse-embedded-sessions${instance_name === '' ? '' : `-${instance_name}`}`);
}
