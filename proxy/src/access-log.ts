// One line and one observation per request (proxy.md §13.1, §13.2), made from the outcome by perform.ts and nowhere else.
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import type { Observer } from '@gatehouse/daemon/metrics';
import { accessLine, type LineFacts, type RequestType, shownHeaders, typeOf } from './access-line.ts';
import type { Application, UpstreamTarget } from './applications/application.ts';
import { methodLabel, type ProxyMetrics } from './metrics.ts';

export interface Finished extends LineFacts {
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
  const shown = shownHeaders(options.headers);
  const observers = createObservers(options);
  return {
    finished(finished) {
      const type = typeOf(finished.request);
      observers.observe(finished, type);
      if (log.isEnabled('info')) write(accessLine(finished, type, { nowMs: clock.now(), shown }));
    },
  };
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
    observe({ request, application, tookMs, upstreamMs, upstream }: Finished, type: RequestType): void {
      const { requests, upstreams } = seriesOf(application);
      const method = methodLabel(request.method);
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
