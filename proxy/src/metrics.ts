// Metrics of the proxy (proxy.md §13.2) under the reference's names. `host` is a client's word, so it is only ever the host
// of an application we know.
import type { Metrics } from '@gatehouse/daemon/metrics';

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE']);

export function createProxyMetrics(metrics: Metrics) {
  return {
    requests: metrics.histogram({
      name: 'authentik_outpost_proxy_request_duration_seconds',
      help: 'Proxy request latencies in seconds',
      labels: ['outpost_name', 'method', 'host', 'type'],
    }),
    upstream: metrics.histogram({
      name: 'authentik_outpost_proxy_upstream_response_duration_seconds',
      help: 'Proxy upstream response latencies in seconds',
      labels: ['outpost_name', 'method', 'scheme', 'host', 'upstream_host'],
    }),
  };
}

export type ProxyMetrics = ReturnType<typeof createProxyMetrics>;

export function methodLabel(method: string): string {
  return methods.has(method) ? method : 'other';
}
