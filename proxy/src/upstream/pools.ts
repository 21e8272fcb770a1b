// Connections to upstreams (proxy.md §9.7): one undici pool per origin, kept alive, bounded, without any limit on how long
// an answer may take. The one file of this room that imports undici.
import { isIP } from 'node:net';
import { buildConnector, Pool } from 'undici';
import type { UpstreamTarget, UpstreamTls } from '../applications/application.ts';

export interface Pools extends AsyncDisposable {
  get(target: UpstreamTarget): Pool;
}

const connectMs = 10_000;
const maxHeaderBytes = 1024 * 1024;
const mostPools = 10_000;

/** Connections are shared by targets that are alike; those with certificates of their own are alike when these are one. */
export function createTargetKeys(): (target: UpstreamTarget) => string {
  const numbers = new WeakMap<UpstreamTls, number>();
  let count = 0;
  return ({ origin, verifyTls, tls }) => {
    if (tls !== undefined && !numbers.has(tls)) numbers.set(tls, ++count);
    return `${origin} ${verifyTls} ${tls === undefined ? '' : numbers.get(tls)}`;
  };
}

export function createPools(): Pools {
  const pools = new Map<string, Pool>();
  const keyOf = createTargetKeys();
  return {
    get(target) {
      const key = keyOf(target);
      const known = pools.get(key);
      if (known !== undefined) return known;
      if (pools.size >= mostPools) closeOldest(pools);
      const pool = new Pool(target.origin, {
        connections: 256,
        pipelining: 1,
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: 30_000,
        maxHeaderSize: maxHeaderBytes,
        allowH2: false,
        connect: connectorFor(target),
      });
      pools.set(key, pool);
      return pool;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

/** undici would ask for the certificate of the request's Host; the upstream has one for its own name (§9.7). */
function connectorFor(target: UpstreamTarget): buildConnector.connector {
  const connector = buildConnector({ timeout: connectMs, ...tlsOptions(target) });
  const servername = target.tls?.serverName ?? new URL(target.origin).hostname.replace(/^\[|\]$/g, '');
  return (options, callback) =>
    connector({ ...options, servername: isIP(servername) === 0 ? servername : '' }, callback);
}

/** What of node:tls a target asks for; also for tunnels. */
export function tlsOptions({ verifyTls, tls }: UpstreamTarget) {
  return {
    rejectUnauthorized: verifyTls,
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
    ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
  };
}

function closeOldest(pools: Map<string, Pool>): void {
  for (const [key, pool] of pools) {
    pools.delete(key);
    pool.close().catch(() => undefined); // its requests end by themselves; nobody waits for this
    return;
  }
}
