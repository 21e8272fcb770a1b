// Entry `@gatehouse/proxy/embedded`. User: router. The proxy as part of the router (router.md §6 rules 13b and 13c, proxy.md §2.8): the very rooms of the daemon, behind
// somebody else's listeners. Requests that belong to no application are not claimed, and go to the core.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type AssemblyOptions, assembleProxy } from './assembly.ts';
import { createDateLine } from './request/date-line.ts';
import { parseAuthority, type Scheme } from './request/host-name.ts';
import type { ReadyResponse } from './request/ready-response.ts';
import { type Peer, receive } from './request/receive.ts';
import { prefix, signatureOf } from './request/reserved.ts';
import { targetUri } from './request/target-uri.ts';
import { answer, responseOn } from './server.ts';
import { hearSiblings, tellSiblings } from './workers/siblings.ts';

/** Who asks, as the listener found it out. */
export interface EmbeddedPeer extends Peer {
  readonly scheme: Scheme;
  readonly requestId: string;
  /** What every answer carries, names and values alternating. */
  readonly added: readonly string[];
}

export interface EmbeddedProxy extends AsyncDisposable {
  /**
   * Whether this request is for an application.
   * @param host as the router decided on it, port included
   * @param target path and query as received
   */
  claims(host: string, scheme: Scheme, target: string): boolean;
  /** @param response of a server that was made with {@link ReadyResponse} */
  serve(message: IncomingMessage, response: ReadyResponse, peer: EmbeddedPeer): void;
  upgrade(message: IncomingMessage, socket: Duplex, head: Buffer, peer: EmbeddedPeer): void;
  /** TLS context of the application of this name, where it has a certificate. */
  certificate(serverName: string): ReturnType<Assembly['certificates']['own']>;
  /** Starts asking the core, until the signal; further calls change nothing. */
  connect(signal: AbortSignal): void;
  /** Tells the other workers what ends here, and ends here what they tell of; for one of several workers. */
  joinSiblings(): void;
  /** Providers in service; `undefined` before the core has named any. */
  size(): number | undefined;
}

type Assembly = Awaited<ReturnType<typeof assembleProxy>>;

/** @throws GatewayError `ERR_PROXY_SESSION_STORE` */
export async function createEmbeddedProxy(options: AssemblyOptions): Promise<EmbeddedProxy> {
  const proxy = await assembleProxy(options);
  const performing = { ...proxy.performing, dateLine: createDateLine(options.clock) };
  const received = (message: IncomingMessage, peer: EmbeddedPeer) => {
    return receive(message, peer, peer.scheme, { requestId: peer.requestId, added: peer.added });
  };
  return {
    claims: (host, scheme, target) => isForApplication(proxy, host, scheme, target),
    serve: (message, response, peer) =>
      answer(performing, received(message, peer), { message, response, upgrade: undefined }),
    upgrade: (message, socket, head, peer) =>
      answer(performing, received(message, peer), {
        message,
        response: responseOn(message, socket),
        upgrade: { socket, head },
      }),
    certificate: (serverName) => proxy.certificates.own(serverName),
    connect: (signal) => proxy.connect(signal),
    joinSiblings() {
      hearSiblings(proxy.siblingEnded);
      proxy.onEnded(tellSiblings);
    },
    size: () => proxy.applications.lookup()?.size,
    async [Symbol.asyncDispose]() {
      proxy.engine.tunnels.closeAll();
      await proxy.close();
    },
  };
}

function isForApplication({ applications }: Assembly, host: string, scheme: Scheme, rawTarget: string): boolean {
  if (rawTarget.startsWith(`${prefix}/ping`) || rawTarget.startsWith(`${prefix}/static`)) return true;
  const authority = parseAuthority(host);
  if (authority === undefined) return false;
  const found = applications.lookup()?.find(authority);
  // The only application there is may be meant by any host of a standalone outpost; here those hosts are the core's.
  if (found?.kind !== 'found' || found.how === 'only') return false;
  if (found.application.mode === 'proxy') return true;
  const target = targetUri(scheme, host, rawTarget);
  if (target === undefined) return true; // refused there
  return target.rawPath === prefix || target.rawPath.startsWith(`${prefix}/`) || signatureOf(target) !== undefined;
}
