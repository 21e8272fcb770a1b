// What a request has to know of the settings, made anew with every reload. Made by start.ts.
import { type CidrSet, createCidrSet } from '@gatehouse/daemon/net';
import type { RouterConfig } from '../config.ts';
import type { FrontDoorSettings } from './exchange.ts';

const mostRememberedPeers = 4_096;

export function settingsOf(config: RouterConfig, version: string): FrontDoorSettings {
  const { trusted_proxy_cidrs, mtls_proxy_cidrs, forwarded_for_mode } = config.listen;
  return {
    webPath: config.web.path,
    trust: {
      peers: remembering(createCidrSet(trusted_proxy_cidrs)),
      mode: forwarded_for_mode,
      certificatePeers: createCidrSet(mtls_proxy_cidrs),
    },
    version,
    http2: config.web.http2,
    oldMedia: config.web.legacy_media_redirect,
    maxBodyBytes: config.web.max_body_bytes,
    readStallMs: config.web.timeout_http_read,
    writeStallMs: config.web.timeout_http_write,
    answerTimeoutMs: config.core.answer_timeout,
    hstsMaxAgeS: config.web.hsts_max_age,
    securityContact: config.web.security_contact,
    loggedHeaders: config.log.http_headers.map((name) => name.toLowerCase()),
  };
}

/** The same few peers ask again and again; parsing an address costs more than all the rest of trusting it. */
function remembering(networks: CidrSet): CidrSet {
  const known = new Map<string, boolean>();
  return {
    longest: (address) => networks.longest(address),
    has(address) {
      const held = known.get(address);
      if (held !== undefined) return held;
      if (known.size >= mostRememberedPeers) known.clear();
      const found = networks.has(address);
      known.set(address, found);
      return found;
    },
  };
}
