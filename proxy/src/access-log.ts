// One line and one observation per request (proxy.md §13.1, §13.2), made from the outcome by server.ts and nowhere else.
import type { LogFields, Logger } from '@gatehouse/daemon/log';
import type { Application } from './applications/application.ts';
import { methodLabel, type ProxyMetrics } from './metrics.ts';
import type { Answer } from './request/answer.ts';
import { header, type Incoming, requestHost } from './request/incoming.ts';
import { prefix } from './request/reserved.ts';

export interface Finished {
  readonly request: Incoming;
  readonly answer: Answer;
  readonly application: Application | undefined;
  readonly status: number;
  readonly size: number;
  readonly tookMs: number;
  readonly upstreamMs: number | undefined;
}

export interface AccessLog {
  finished(finished: Finished): void;
}

export interface AccessLogOptions {
  readonly log: Logger;
  readonly metrics: ProxyMetrics;
  readonly outpostName: () => string;
}

export function createAccessLog({ log, metrics, outpostName }: AccessLogOptions): AccessLog {
  return {
    finished(finished) {
      const { request, application, tookMs, upstreamMs } = finished;
      const outpost_name = outpostName();
      const method = methodLabel(request.method);
      const host = application?.external.authority.host ?? 'unknown';
      metrics.requests.observe({ outpost_name, method, host, type: typeOf(request) }, tookMs / 1000);
      if (upstreamMs !== undefined) {
        const upstream = new URL(application?.upstream?.origin ?? 'http://unknown');
        const labels = {
          outpost_name,
          method,
          host,
          scheme: upstream.protocol.slice(0, -1),
          upstream_host: upstream.host,
        };
        metrics.upstream.observe(labels, upstreamMs / 1000);
      }
      log.info(redact(request.rawTarget), fieldsOf(finished));
    },
  };
}

/** Values that are credentials of a login under way (case 108). */
export function redact(target: string): string {
  if (!target.includes('?')) return target;
  return target.replace(
    /([?&](?:code|state|access_token|id_token_hint|token|password)=)[^&#]*/gi,
    (_, name: string) => `${name}***`,
  );
}

type Fields = { -readonly [Name in keyof LogFields]: LogFields[Name] };

function fieldsOf(finished: Finished): LogFields {
  const { request, answer, application, upstreamMs } = finished;
  const allow = answer.kind === 'allowed' || answer.kind === 'forward' ? answer.allow : undefined;
  const identity = allow?.identity;
  const fields: Fields = {
    remote: `${request.peer}:${request.peerPort}`,
    host: requestHost(request),
    method: request.method,
    scheme: request.scheme,
    status: finished.status,
    size: finished.size,
    runtime: finished.tookMs.toFixed(3),
    user_agent: header(request, 'user-agent'),
    request_id: request.requestId,
    auth: identity?.via ?? allow?.reason ?? 'none',
  };
  if (application !== undefined) fields.name = application.name;
  if (identity !== undefined) fields.user = identity.claims.preferredUsername || identity.claims.sub;
  if (upstreamMs !== undefined) fields.upstream_ms = upstreamMs;
  return fields;
}

function typeOf({ rawTarget }: Incoming): 'app' | 'ping' | 'static' {
  if (rawTarget.startsWith(`${prefix}/ping`)) return 'ping';
  return rawTarget.startsWith(`${prefix}/static`) ? 'static' : 'app';
}
