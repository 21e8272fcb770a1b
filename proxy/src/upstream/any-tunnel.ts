// A handshake to whichever of several upstreams can be reached (proxy.md §17.21): it has no body, and who could not be reached
// has not seen it, so asking the next one is safe.
import type { Logger } from '@gatehouse/daemon/log';
import type { UpstreamTarget } from '../applications/application.ts';
import { proxyError } from '../errors.ts';
import type { Balancer } from './balancer.ts';
import { openTunnel, type Tunnel } from './tunnel.ts';

export interface OpenedTunnel {
  readonly target: UpstreamTarget;
  readonly status: number;
}

/**
 * @throws GatewayError `ERR_PROXY_UPSTREAM` from the last one asked, `ERR_PROXY_NO_UPSTREAM` when none may be asked,
 * `ERR_PROXY_CLIENT_GONE`; nothing was written to the client then
 */
export async function openAnyTunnel(
  { balancer, log }: { readonly balancer: Balancer; readonly log: Logger },
  targets: readonly UpstreamTarget[],
  handshake: Omit<Tunnel, 'target'>,
): Promise<OpenedTunnel> {
  const tried = new Set<UpstreamTarget>();
  for (;;) {
    const target = balancer.pick(targets, tried);
    if (target === undefined)
      throw proxyError('ERR_PROXY_NO_UPSTREAM', `None of ${targets.length} upstreams can be reached.`);
    const outcome = await openTunnel({ ...handshake, target });
    if (outcome.kind === 'answered') {
      balancer.reached(target);
      return { target, status: outcome.status };
    }
    if (handshake.socket.destroyed) throw proxyError('ERR_PROXY_CLIENT_GONE', 'The client left.');
    if (outcome.wasConnected) throw outcome.error;
    if (balancer.failed(target) && targets.length > 1)
      log.warn('upstream left out for a while', { addr: target.origin, error: outcome.error.message });
    tried.add(target);
    if (tried.size === targets.length) throw outcome.error;
  }
}
