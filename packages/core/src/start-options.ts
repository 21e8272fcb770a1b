// Settings as what the core starts with, and as what its commands need of it.
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { loadConfig } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { browserFolder } from '@gatehouse/web/manifest';
import { parseRate } from './api/throttle.ts';
import { type CoreConfig, coreConfig } from './config.ts';
import type { Database } from './database/connection.ts';
import { createMailer } from './mail/mailer.ts';
import type { Post } from './mail/send.ts';
import type { StartOptions } from './start.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

interface Sources {
  readonly env: Environment;
  readonly argv: readonly string[];
}

interface Given extends Sources {
  readonly config: CoreConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly database: Database;
  readonly clock: Clock;
}

export function startOptions({ config, env, argv, log, metrics, database, clock }: Given): StartOptions {
  return {
    database,
    log,
    metrics,
    clock,
    secretKey: config.secret_key,
    listen: config.listen.core,
    blueprintsDir: config.blueprints_dir === '' ? undefined : config.blueprints_dir,
    pwnedPasswords: config.pwned_passwords,
    anonymousRate: parseRate(config.throttle.default),
    deviceRate: parseRate(config.throttle.providers.oauth2.device),
    locations: config.events.context_processors,
    certificatePeers: config.listen.mtls_proxy_cidrs,
    demo: config.demo,
    storage: rereadStorage(config, { argv, env }),
    web: { ...config.web, assets_dist: config.web.assets_dist || browserFolder },
    certificatesDir: config.cert_discovery_dir === '' ? undefined : config.cert_discovery_dir,
    embeddedOutpost: !config.outposts.disable_embedded_outpost,
    post: postOf(config, { argv, env }),
    env,
  };
}

/** How mails are sent. The password is read again for each, since it may be behind a file that is replaced. */
export function postOf({ email }: CoreConfig, sources: Sources): Post {
  const password = () => {
    try {
      return loadConfig(coreConfig, sources).config.email.password?.reveal();
    } catch {
      return email.password?.reveal(); // a start with these settings says what is wrong with them
    }
  };
  const mailer = createMailer({
    host: email.host,
    port: email.port,
    username: email.username,
    password,
    useTls: email.use_tls,
    useSsl: email.use_ssl,
    timeoutMs: email.timeout * 1000,
    from: email.from,
  });
  return { mailer, templateDir: email.template_dir };
}

const storageSettingsLiveMs = 1_000;

/** Secrets behind `file://` may be replaced while we run (files.md F42); a setting that went bad leaves the last good ones. */
function rereadStorage(config: CoreConfig, sources: Sources): () => CoreConfig['storage'] {
  let known = { atMs: systemClock.monotonicMs(), storage: config.storage };
  return () => {
    const nowMs = systemClock.monotonicMs();
    if (nowMs - known.atMs < storageSettingsLiveMs) return known.storage;
    try {
      known = { atMs: nowMs, storage: loadConfig(coreConfig, sources).config.storage };
    } catch {
      known = { ...known, atMs: nowMs }; // a start with these settings says what is wrong with them
    }
    return known.storage;
  };
}
