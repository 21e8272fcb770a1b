// `gatehouse ldap doctor`: what keeps clients from logging in and searching, or soon will: name and TLS of the core, token,
// permissions, providers and their bases, flows, certificates, clocks. Changes nothing and opens no port. One line a finding,
// with what to do.

import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { LdapProviderRow } from '@gatehouse/contract/rest';
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { LdapConfig } from '../config.ts';
import type { CoreInspection } from '../core-inspection.ts';
import type { Policy } from '../policy/policy.ts';
import { providerFromApi } from '../providers/provider.ts';

export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail';
  readonly what: string;
}

export interface DoctorOptions {
  readonly config: LdapConfig;
  readonly core: CoreInspection;
  readonly policy: Policy;
  readonly nowMs: number;
}

const soonMs = 21 * 86_400_000;
/** One-time codes of authenticators are good for half a minute to either side. */
const mostSkewMs = 20_000;
const handshakeMs = 5_000;
/** Stages that can come first and be answered without a browser. */
const answerable = new Set(['ak-stage-identification', 'ak-stage-password']);

const ok = (what: string): Finding => ({ level: 'ok', what });
const warn = (what: string): Finding => ({ level: 'warn', what });
const fail = (what: string): Finding => ({ level: 'fail', what });

export async function doctor(options: DoctorOptions): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const part of [
    checkName,
    checkTls,
    checkClock,
    checkOutpost,
    checkPermission,
    checkProviders,
    checkPolicy,
    checkFiles,
  ])
    found.push(...(await part(options).catch((error: unknown) => [fail(message(error))])));
  return found;
}

async function checkName({ config }: DoctorOptions): Promise<Finding[]> {
  const { protocol, hostname } = new URL(config.host);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol === 'unix:' || isIP(host) !== 0) return [];
  const addresses = await lookup(host, { all: true }).catch(() => []);
  if (addresses.length === 0)
    return [fail(`DNS: ${host} has no address here: correct AUTHENTIK_HOST, or the resolver of this machine`)];
  return [ok(`DNS: ${host} is ${addresses.map(({ address }) => address).join(', ')}`)];
}

function checkTls({ config, nowMs }: DoctorOptions): Promise<Finding[]> {
  const { protocol, hostname, port } = new URL(config.host);
  if (protocol !== 'https:') {
    const isLocal = /^(?:localhost|127\.|\[::1\])/.test(hostname) || protocol === 'unix:';
    return Promise.resolve(
      isLocal ? [] : [warn('TLS: the core is reached in clear text: passwords cross the network')],
    );
  }
  const target = { host: hostname, port: Number(port || 443), servername: hostname, rejectUnauthorized: false };
  return new Promise((resolve) => {
    const socket = connect(target, () => {
      const { authorizationError: wrong } = socket;
      const end = new Date(socket.getPeerCertificate().valid_to).getTime();
      socket.destroy();
      resolve([judgeTls(wrong, config.insecure), ...judgeEnd('TLS: the certificate of the core', end, nowMs)]);
    });
    socket.setTimeout(handshakeMs, () => socket.destroy(new Error('no handshake in time')));
    socket.on('error', (error) => resolve([fail(`TLS: no handshake with the core: ${error.message}`)]));
  });
}

function judgeTls(wrong: Error | undefined, insecure: boolean): Finding {
  if (insecure) return warn('TLS: AUTHENTIK_INSECURE is on: anybody on the way can be the core');
  if (wrong !== undefined && wrong !== null)
    return fail(`TLS: the certificate of the core is not trusted (${String(wrong)}): set NODE_EXTRA_CA_CERTS`);
  return ok('TLS: the certificate of the core is trusted');
}

async function checkClock({ core, nowMs }: DoctorOptions): Promise<Finding[]> {
  const aheadMs = await core.clockAheadMs(nowMs);
  if (aheadMs === undefined) return [];
  if (Math.abs(aheadMs) < mostSkewMs) return [ok('clock: agrees with the core')];
  const seconds = Math.round(aheadMs / 1000);
  return [
    fail(`clock: the core is ${seconds} s ahead of this machine: one-time codes and tokens fail; set both by NTP`),
  ];
}

async function checkOutpost({ core, config }: DoctorOptions): Promise<Finding[]> {
  const outpost = await core.outpost();
  if (outpost === undefined) return [fail('token: it sees no outpost: take the token of an LDAP outpost')];
  if (outpost.type !== 'ldap') return [fail(`token: it is that of outpost "${outpost.name}" of type ${outpost.type}`)];
  return [ok(`token: core ${config.host} reached as outpost "${outpost.name}"`)];
}

async function checkPermission({ core }: DoctorOptions): Promise<Finding[]> {
  try {
    await core.readDirectory();
    return [ok('permission: users and groups can be listed')];
  } catch (error) {
    if (!isGatewayError(error) || error.code !== 'ERR_CONTRACT_FORBIDDEN') throw error;
    return [
      fail(
        'permission: users and groups cannot be listed: save the outpost once more, so that its account gets its rights',
      ),
    ];
  }
}

async function checkProviders(options: DoctorOptions): Promise<Finding[]> {
  const rows = await options.core.providers();
  if (rows.length === 0)
    return [fail('provider: none: attach an LDAP provider to an application, and the application to this outpost')];
  const each: Finding[] = [];
  for (const row of rows) each.push(...(await checkProvider(options, row)));
  return [...each, ...checkBases(rows), ...checkRequired(options.config, rows)];
}

async function checkProvider({ core, nowMs }: DoctorOptions, row: LdapProviderRow): Promise<Finding[]> {
  const name = `provider "${row.name}"`;
  const provider = providerFromApi(row);
  if (provider === undefined) return [fail(`${name}: "${row.base_dn}" is no base DN: it is not served`)];
  const modes = `bind ${row.bind_mode}, search ${row.search_mode}`;
  return [
    ok(`${name}: base ${row.base_dn}, application ${row.application_slug}, ${modes}`),
    ...(await checkFlow(core, name, row.bind_flow_slug).catch((error: unknown) => [
      fail(`${name}: ${message(error)}`),
    ])),
    ...(await checkCertificate(core, name, row.certificate, nowMs).catch((error: unknown) => [
      fail(`${name}: its certificate cannot be read: ${message(error)}`),
    ])),
  ];
}

async function checkFlow(core: CoreInspection, name: string, slug: string): Promise<Finding[]> {
  const first = await core.firstChallenge(slug);
  if (answerable.has(first)) return [ok(`${name}: its flow ${slug} asks for a name`)];
  return [
    fail(`${name}: its flow ${slug} begins with ${first}, which only a browser can answer: every bind is refused`),
  ];
}

async function checkCertificate(
  core: CoreInspection,
  name: string,
  id: string | null | undefined,
  nowMs: number,
): Promise<Finding[]> {
  if (typeof id !== 'string') return [warn(`${name} has no certificate: clients see a self-signed one`)];
  const { pem, hasKey } = await core.certificate(id);
  if (!hasKey) return [fail(`${name}: its certificate has no private key: clients see a self-signed one`)];
  const { validTo, subject } = new X509Certificate(pem);
  return judgeEnd(`${name}: certificate ${subject.replaceAll('\n', ', ')}`, Date.parse(validTo), nowMs);
}

function judgeEnd(what: string, endMs: number, nowMs: number): Finding[] {
  const day = new Date(endMs).toISOString().slice(0, 10);
  if (endMs < nowMs) return [fail(`${what} expired on ${day}`)];
  return [endMs - nowMs < soonMs ? warn(`${what} expires on ${day}`) : ok(`${what} is valid until ${day}`)];
}

/** Of two providers with one base, the first takes every bind. */
function checkBases(rows: readonly LdapProviderRow[]): Finding[] {
  const seen = new Map<string, string>();
  const found: Finding[] = [];
  for (const row of rows) {
    const key = providerFromApi(row)?.base.key;
    if (key === undefined) continue;
    const before = seen.get(key);
    if (before === undefined) seen.set(key, row.name);
    else found.push(fail(`provider "${row.name}" has the base of "${before}": nobody can bind to it`));
  }
  return found;
}

function checkRequired({ ldap }: LdapConfig, rows: readonly LdapProviderRow[]): Finding[] {
  const slugs = new Set(['*', ...rows.map(({ application_slug: slug }) => slug)]);
  return ldap.mfa_required
    .filter((slug) => !slugs.has(slug))
    .map((slug) =>
      fail(`AUTHENTIK_LDAP__MFA_REQUIRED names the application ${slug}, which this outpost does not serve`),
    );
}

async function checkPolicy({ core, config, policy }: DoctorOptions): Promise<Finding[]> {
  const { policy_file: path } = config.ldap;
  await policy.refresh();
  if (path === '') return [];
  const served = new Set((await core.providers()).map(({ application_slug: slug }) => slug));
  const foreign = [...new Set(policy.names.applications)].filter((slug) => !served.has(slug));
  return [
    ok(`policy file ${path} is good`),
    ...foreign.map((slug) => warn(`policy file: this outpost does not serve the application ${slug}`)),
    ...(await core.unknownGroups(policy.names.groups)).map((name) => fail(`policy file: there is no group ${name}`)),
  ];
}

async function checkFiles({ config, core }: DoctorOptions): Promise<Finding[]> {
  const { client_ca: file, password_modify: flow } = config.ldap;
  const found: Finding[] = [];
  if (file !== '') {
    const pem = await readFile(file, 'utf8');
    found.push(
      ok(`client certificates are checked against ${new X509Certificate(pem).subject.replaceAll('\n', ', ')}`),
    );
  }
  if (flow !== '') {
    await core.firstChallenge(flow);
    found.push(ok(`password modify runs the flow ${flow}`));
  }
  return found;
}

function message(error: unknown): string {
  if (isGatewayError(error)) return `${error.message} ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}
