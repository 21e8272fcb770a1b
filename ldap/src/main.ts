// The LDAP outpost as a process.
import { readFile } from 'node:fs/promises';
import { systemClock } from '@gatehouse/daemon/async';
import { loadConfig } from '@gatehouse/daemon/config';
import { isGatewayError } from '@gatehouse/daemon/errors';
import { createHealth, healthSocketPath, serveHealth } from '@gatehouse/daemon/health';
import { exitCode, runProcess } from '@gatehouse/daemon/lifecycle';
import { bufferedOutput, createLogger, prettyOutput } from '@gatehouse/daemon/log';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import { ldapConfig } from './config.ts';
import { connectCore } from './core.ts';
import { ldapError } from './errors.ts';
import { CustomTypes } from './mapping/custom-attributes.ts';
import { createLdapMetrics } from './metrics.ts';
import { createPolicy } from './policy/policy.ts';
import { type LdapServer, serveLdap } from './server.ts';

const drainMs = 5_000;

/** Runs the LDAP outpost until a signal. @returns the exit code */
export async function runLdapDaemon(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const config = readConfig(argv, env);
  if (config === undefined) return exitCode.configuration;
  const destination = config.debug ? prettyOutput(process.stdout) : bufferedOutput();
  const log = createLogger({ level: config.log_level, name: 'authentik.outpost.ldap', destination });
  return runProcess({ log }, async ({ signal, onDrain }) => {
    const clock = systemClock;
    const health = createHealth();
    const metrics = createMetrics({ process: true });
    const ldapMetrics = createLdapMetrics(metrics);
    const probe = await serveHealth({
      health,
      metrics,
      addresses: config.listen.metrics,
      socketPath: healthSocketPath(config.instance_name),
      log,
    });
    onDrain(async () => probe[Symbol.asyncDispose]());
    let server: LdapServer | undefined;
    const types = new CustomTypes();
    const policy = createPolicy(config.ldap.policy_file, types, log);
    await policy.refresh(); // a wrong policy file stops the start
    const core = connectCore({
      types,
      policy,
      config,
      log,
      metrics,
      ldapMetrics,
      health,
      clock,
      signal,
      onProviders: () => server?.providersChanged(),
      onSessionEnd: (sessionId) => server?.sessionEnded(sessionId),
      onUserOut: (userPk) => server?.userOut(userPk),
    });
    onDrain(() => core.close());
    const clientCa = config.ldap.client_ca === '' ? undefined : await readClientCa(config.ldap.client_ca);
    server = await serveLdap({
      core,
      config,
      log,
      metrics: ldapMetrics,
      clock,
      fallback: selfSignedCertificate,
      clientCa,
    });
    server.providersChanged();
    onDrain(async () => server?.close(drainMs));
    log.info('ready', {});
  });
}

/** @throws GatewayError `ERR_LDAP_CLIENT_CA` */
async function readClientCa(file: string): Promise<string> {
  const hint = 'Set AUTHENTIK_LDAP__CLIENT_CA to a readable file with one or more certificates in PEM.';
  const pem = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw ldapError('ERR_LDAP_CLIENT_CA', `The file ${file} cannot be read: ${String(cause)}.`, hint);
  });
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw ldapError('ERR_LDAP_CLIENT_CA', `The file ${file} holds no certificate.`, hint);
}

function readConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>) {
  try {
    return loadConfig(ldapConfig, { env, argv }).config;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    createLogger({ level: 'info', name: 'authentik.outpost.ldap' }).error(error.message, { hint: error.hint ?? '' });
    return undefined;
  }
}
