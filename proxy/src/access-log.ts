// One line and one observation per request (proxy.md §13.1, §13.2), made from the outcome by perform.ts and nowhere else. The
// line is put together by hand: through the logger it would cost more than most answers.
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import type { Observer } from '@gatehouse/daemon/metrics';
import type { Application, UpstreamTarget } from './applications/application.ts';
import { methodLabel, type ProxyMetrics } from './metrics.ts';
import type { Answer } from './request/answer.ts';
import { header, type Incoming, requestHost } from './request/incoming.ts';
import { prefix } from './request/reserved.ts';

export interface Finished {
  readonly request: Incoming;
  readonly answer: Answer;
  readonly application: Application | undefined;
  readonly status: number;
  /** Bytes of the body. */
  readonly size: number;
  readonly tookMs: number;
  readonly upstreamMs: number | undefined;
  /** Which upstream has answered. */
  readonly upstream: UpstreamTarget | undefined;
}

export interface AccessLog {
  finished(finished: Finished): void;
}

export interface AccessLogOptions {
  /** Takes whole lines of JSON. */
  readonly write: (line: string) => void;
  readonly log: Pick<Logger, 'isEnabled'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly metrics: ProxyMetrics;
  readonly outpostName: () => string;
  /** Request headers that go into the line, by any case. */
  readonly headers: readonly string[];
}

export function createAccessLog(options: AccessLogOptions): AccessLog {
  const { write, log, clock } = options;
  const shown = options.headers.map((name) => {
    const lower = name.toLowerCase();
    return { lower, key: JSON.stringify(lower.replaceAll('-', '_')) };
  });
  const observers = createObservers(options);
  return {
    finished(finished) {
      observers.observe(finished);
      if (log.isEnabled('info')) write(accessLine(finished, clock.now(), shown));
    },
  };
}

interface ShownHeader {
  readonly lower: string;
  /** Name of the field as JSON. */
  readonly key: string;
}

/** Exported for its test. */
export function accessLine(finished: Finished, nowMs: number, shown: readonly ShownHeader[]): string {
  const { request, answer, application, upstreamMs } = finished;
  const allow = answer.kind === 'allowed' || answer.kind === 'forward' ? answer.allow : undefined;
  const claims = allow?.identity?.claims;
  let headers = '';
  for (const { lower, key } of shown) headers += `,${key}:${quoted(header(request, lower))}`;
  const name = application === undefined ? '' : `,"name":${quoted(application.name)}`;
  const user = claims === undefined ? '' : `,"user":${quoted(claims.preferredUsername || claims.sub)}`;
  const upstream = upstreamMs === undefined ? '' : `,"upstream_ms":${upstreamMs.toFixed(3)}`;
  return `{"level":"info","timestamp":"${isoTime(nowMs)}","logger":"${loggers[typeOf(request)]}","event":${quoted(redact(request.rawTarget))}${name},"remote":"${request.peer}:${request.peerPort}","host":${quoted(requestHost(request))},"method":"${request.method}","scheme":"${request.scheme}","status":${finished.status},"size":${finished.size},"runtime":"${finished.tookMs.toFixed(3)}"${headers},"request_id":"${request.requestId}","auth":"${allow?.identity?.via ?? allow?.reason ?? 'none'}"${user}${upstream}}\n`;
}

/** JSON of a text; most need no escapes. */
function quoted(text: string): string {
  return /["\\]|[^ -~]/.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Values that are credentials of a login under way (case 108). */
export function redact(target: string): string {
  if (!target.includes('?')) return target;
  return target.replace(
    /([?&](?:code|state|access_token|id_token_hint|token|password)=)[^&#]*/gi,
    (_, name: string) => `${name}***`,
  );
}

const loggers = {
  app: 'authentik.outpost.proxyv2.application',
  ping: 'authentik.outpost.proxyv2.http',
  static: 'authentik.outpost.proxyv2.http',
} as const;

function typeOf({ rawTarget }: Incoming): keyof typeof loggers {
  if (!rawTarget.startsWith(prefix)) return 'app';
  if (rawTarget.startsWith(`${prefix}/ping`)) return 'ping';
  return rawTarget.startsWith(`${prefix}/static`) ? 'static' : 'app';
}

/** Many requests share a millisecond. */
let lastMs = -1;
let lastText = '';
function isoTime(nowMs: number): string {
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    lastText = new Date(nowMs).toISOString();
  }
  return lastText;
}

/** Series by what tells them apart, found without building labels or keys. */
interface Series {
  readonly requests: Map<string, Observer>;
  readonly upstreams: Map<string, Observer>;
}

function createObservers({ metrics, outpostName }: AccessLogOptions) {
  const ofApplication = new WeakMap<Application, Series>();
  const seriesOf = (application: Application | undefined): Series => {
    const known = application === undefined ? undefined : ofApplication.get(application);
    if (known !== undefined) return known;
    const made: Series = { requests: new Map(), upstreams: new Map() };
    if (application !== undefined) ofApplication.set(application, made);
    return made;
  };
  const bindRequests = (method: string, type: string, application: Application | undefined) =>
    metrics.requests.bind({ outpost_name: outpostName(), method, host: hostOf(application), type });
  const bindUpstream = (method: string, application: Application | undefined, origin: string) => {
    const { protocol, host: upstream_host } = new URL(origin);
    const scheme = protocol.slice(0, -1);
    return metrics.upstream.bind({
      outpost_name: outpostName(),
      method,
      host: hostOf(application),
      scheme,
      upstream_host,
    });
  };
  return {
    observe({ request, application, tookMs, upstreamMs, upstream }: Finished): void {
      const { requests, upstreams } = seriesOf(application);
      const method = methodLabel(request.method);
      const type = typeOf(request);
      const key = type === 'app' ? method : `${method} ${type}`;
      kept(requests, key, () => bindRequests(method, type, application)).observe(tookMs / 1000);
      if (upstreamMs === undefined || upstream === undefined) return;
      const { origin } = upstream;
      kept(upstreams, `${method} ${origin}`, () => bindUpstream(method, application, origin)).observe(
        upstreamMs / 1000,
      );
    },
  };
}

function hostOf(application: Application | undefined): string {
  return application?.external.authority.host ?? 'unknown';
}

function kept(observers: Map<string, Observer>, key: string, make: () => Observer): Observer {
  const known = observers.get(key);
  if (known !== undefined) return known;
  const made = make();
  observers.set(key, made);
  return made;
}
