// The certificate for a server name (proxy.md §2.3): the application's own by host without port, then, in domain mode, that
// of the longest cookie domain around the name, then any certificate made out to it, then the default. Contexts are built at
// refresh time, chosen from memory.
import { X509Certificate } from 'node:crypto';
import type { Logger } from '@gatehouse/daemon/log';
import { type CertificateStore, createCertificateStore, type KeyPair, secureContext } from '@gatehouse/daemon/tls';
import { bareDomain } from '../request/host-name.ts';
import type { Application } from './application.ts';

export interface ApplicationCertificates {
  readonly store: Pick<CertificateStore, 'choose' | 'sniCallback'>;
  /** Of the application that the name belongs to; `undefined` where it has none of its own. */
  own(serverName: string): Context | undefined;
  replace(applications: readonly Application[], pairs: { get(id: string): KeyPair | undefined }): void;
}

type Context = ReturnType<typeof secureContext>;

export function createApplicationCertificates(fallback: KeyPair, log: Logger): ApplicationCertificates {
  const standard = createCertificateStore(fallback);
  let hosts: ReadonlyMap<string, Context> = new Map();
  let domains: ReadonlyMap<string, Context> = new Map();
  let names: ReadonlyMap<string, Context> = new Map();
  const own = (serverName: string) => {
    const name = serverName.toLowerCase().replace(/\.$/, '');
    return hosts.get(name) ?? ofDomain(domains, name);
  };
  const choose = (serverName: string | undefined) =>
    own(serverName ?? '') ?? madeOutTo(names, serverName ?? '') ?? standard.choose(undefined);
  return {
    store: { choose, sniCallback: (serverName, done) => done(null, choose(serverName)) },
    own,
    replace(applications, pairs) {
      const newHosts = new Map<string, Context>();
      const newDomains = new Map<string, Context>();
      const newNames = new Map<string, Context>();
      for (const application of applications) {
        const context = contextOf(application, pairs, log);
        if (context === undefined) continue;
        for (const name of namesIn(pairs.get(application.certificate ?? ''))) newNames.set(name, context);
        newHosts.set(application.external.authority.host, context);
        const domain = bareDomain(application.cookieDomain);
        if (application.mode === 'forward_domain' && domain !== '') newDomains.set(domain, context);
      }
      hosts = newHosts;
      domains = newDomains;
      names = newNames;
    },
  };
}

/** RFC 9525 §6.3: a wildcard stands for the left-most label. */
function madeOutTo(names: ReadonlyMap<string, Context>, serverName: string): Context | undefined {
  const name = serverName.toLowerCase().replace(/\.$/, '');
  const dot = name.indexOf('.');
  return names.get(name) ?? (dot === -1 ? undefined : names.get(`*${name.slice(dot)}`));
}

/** DNS names of a certificate; a lone `*` is nobody's. */
function namesIn(pair: KeyPair | undefined): string[] {
  if (pair === undefined) return [];
  const names = new X509Certificate(pair.certPem).subjectAltName ?? '';
  return [...names.matchAll(/DNS:([^,\s"]+\.[^,\s"]+)/g)].map(([, name = '']) => name.toLowerCase());
}

/** The longest domain wins, since the search begins at the name itself. */
function ofDomain(domains: ReadonlyMap<string, Context>, name: string): Context | undefined {
  if (domains.size === 0) return undefined;
  for (let at = 0; at !== -1; at = name.indexOf('.', at + 1)) {
    const found = domains.get(at === 0 ? name : name.slice(at + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

function contextOf(
  { certificate, name }: Application,
  pairs: { get(id: string): KeyPair | undefined },
  log: Logger,
): Context | undefined {
  const pair = certificate === undefined ? undefined : pairs.get(certificate);
  try {
    return pair === undefined ? undefined : secureContext(pair);
  } catch (error) {
    log.error('certificate not usable', {
      name,
      error: String(error),
      hint: 'The default certificate is shown instead.',
    });
    return undefined;
  }
}
