// What the core tells and is told (DESIGN §2: only this file touches outpost and contract for it): provider rows become
// applications, ended core sessions end sessions here, misconfigured reverse proxies are reported as events.

import type { OutpostRow } from '@gatehouse/contract/rest';
import { type ProxyProviderRow, proxyProviderRow } from '@gatehouse/contract/rest';
import type { Clock } from '@gatehouse/daemon/async';
import type { Secret } from '@gatehouse/daemon/config';
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { type CertificateStore, type Outpost, startOutpost } from '@gatehouse/outpost';
import { z } from 'zod';
import { type Application, applicationFromApi, fingerprintOf } from './applications/application.ts';
import type { ApplicationCertificates } from './applications/certificates.ts';
import { createLookup, type Lookup } from './applications/lookup.ts';
import type { Claims } from './oidc/claims.ts';
import { emptyRuleFile, type RuleFile } from './rules/rule-file.ts';

export interface ConnectOptions {
  readonly config: { readonly host: string; readonly token: Secret; readonly insecure: boolean };
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly applications: Applications;
  readonly onSessionEnd: (sid: string) => void;
  readonly onChannel: (isOpen: boolean) => void;
  /** Users, groups or rights have changed. */
  readonly onChanges: () => void;
  readonly readAgainOnOpen?: boolean;
}

/** The line to the core, which is up whether the core is or not. */
export interface CoreLine {
  readonly outpostName: () => string;
  /** Sends an event; a failure is a debug line. */
  report(event: object): void;
  close(): Promise<void>;
}

export function connectCore(options: ConnectOptions): CoreLine {
  const { applications, log, signal } = options;
  const outpost: Outpost = startOutpost({
    ...options,
    type: 'proxy',
    providerRow: proxyProviderRow,
    onProviders: (rows, row) => applications.replace(rows, row, outpost.certificates),
    onChanges({ all, access }) {
      options.onChanges();
      // Other cores only say that something is new, and are asked up to nine seconds later (§1.2).
      if (!all && !access) return;
      log.info('told of changes', {});
      outpost.refresh().catch(() => undefined); // the outpost has reported it
    },
  });
  return {
    outpostName: outpost.name,
    report(event) {
      outpost.core.post('/events/events/', event, z.unknown(), { signal }).catch((error: unknown) => {
        log.debug('event not sent', { error: String(error) });
      });
    },
    close: () => outpost.close(),
  };
}

export interface ApplicationsOptions {
  /** URL of the core for browsers, by what the outpost's own settings say; empty: as the core delivers it. */
  readonly hostBrowser: (configured: string) => string;
  readonly version: string;
  readonly log: Logger;
  readonly tls: Pick<ApplicationCertificates, 'replace'>;
  /** Told of each list that is in service from then on. */
  readonly onReplaced?: (applications: readonly Application[]) => void;
}

/** The applications as of the last refresh. */
export interface Applications {
  readonly lookup: () => Lookup<Application> | undefined;
  readonly all: () => readonly Application[];
  /** Takes a rule file into service; applications that it changes are built anew. */
  useRules(rules: RuleFile): void;
  /** Takes a list into service whole; what did not change stays the same object, what cannot be used keeps its last form. */
  replace(rows: readonly ProxyProviderRow[], outpost: OutpostRow, certificates: Pick<CertificateStore, 'get'>): void;
}

export function createApplications(options: ApplicationsOptions): Applications {
  let lookup: Lookup<Application> | undefined;
  let current: readonly Application[] = [];
  let rules = emptyRuleFile;
  let latest: Parameters<Applications['replace']> | undefined;
  const own: Applications = {
    lookup: () => lookup,
    all: () => current,
    useRules(given) {
      rules = given;
      if (latest !== undefined) own.replace(...latest);
    },
    replace(rows, outpost, certificates) {
      latest = [rows, outpost, certificates];
      const before = new Map(current.map((application) => [application.pk, application]));
      const configured = textOf(outpost.config['authentik_host']);
      const context = {
        hosts: { browser: options.hostBrowser(configured), configured },
        outpostName: outpost.name,
        version: options.version,
        onLargeHeaders: ({ preferredUsername, sub, groups }: Claims, bytes: number) =>
          options.log.warn('identity headers are large', {
            user: preferredUsername || sub,
            bytes,
            count: groups.length,
            hint: 'Tell fewer groups, or leave out X-Authentik-Jwt, in the rule file.',
          }),
      };
      current = rows.flatMap((row) => {
        const old = before.get(row.pk);
        const ofRules = rules.of([row.client_id, row.assigned_application_slug, row.external_host, hostOf(row)]);
        if (old?.fingerprint === fingerprintOf(row, context, ofRules)) return [old];
        const built = build(options.log, row, () => applicationFromApi(row, context, ofRules));
        return built ?? (old === undefined ? [] : [old]);
      });
      warnOfTwins(options.log, current);
      options.tls.replace(current, certificates);
      lookup = createLookup(current);
      options.onReplaced?.(current);
    },
  };
  return own;
}

function hostOf({ external_host }: ProxyProviderRow): string {
  return URL.canParse(external_host) ? new URL(external_host).host : external_host;
}

function build(log: Logger, row: ProxyProviderRow, make: () => Application): [Application] | undefined {
  try {
    const application = make();
    for (const { pattern, reason } of application.skipRules.broken) {
      log.warn('allow-list line is no pattern', { name: row.name, filter: pattern, reason });
    }
    return [application];
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    log.error('provider not usable', { name: row.name, code: error.code, error: error.message, hint: error.hint });
    return undefined;
  }
}

/** §19: of two providers with one external host the later by name serves; somebody should know. */
function warnOfTwins(log: Logger, applications: readonly Application[]): void {
  const seen = new Map<string, string>();
  for (const { externalHost, name } of applications) {
    const earlier = seen.get(externalHost.host);
    if (earlier !== undefined) {
      log.warn('two providers have one external host', {
        host: externalHost.host,
        name,
        hint: `"${earlier}" is not served`,
      });
    }
    seen.set(externalHost.host, name);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** At most one report per application and ten minutes (§13.4). */
export function createEventGate(clock: Pick<Clock, 'now'>): (pk: number) => boolean {
  const lastMs = new Map<number, number>();
  return (pk) => {
    const now = clock.now();
    if (now - (lastMs.get(pk) ?? Number.NEGATIVE_INFINITY) < 600_000) return false;
    lastMs.set(pk, now);
    return true;
  };
}
