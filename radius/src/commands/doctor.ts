// `gatehouse radius doctor`: what keeps devices from logging in, or soon will: the core, providers, secrets, certificates,
// files, the kernel's buffers. Changes nothing and opens no port. One line a finding, with what to do.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RadiusProviderRow } from '@gatehouse/contract/rest';
import { systemClock } from '@gatehouse/daemon/async';
import { type ConfigOf, formatAddress } from '@gatehouse/daemon/config';
import { kernelDrops } from '@gatehouse/daemon/net';
import { providerFromApi } from '../clients/provider.ts';
import { createClientTable } from '../clients/table.ts';
import type { radiusConfig } from '../config.ts';
import type { CoreInspection } from '../core-inspection.ts';
import { createAuthority } from '../eap/client-certificate.ts';
import { createHomeServer } from '../home-servers/home-server.ts';
import type { Policy } from '../policy/policy.ts';

export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail';
  readonly what: string;
}

export interface DoctorOptions {
  readonly config: ConfigOf<typeof radiusConfig>;
  readonly core: CoreInspection;
  readonly policy: Policy;
  readonly nowMs: number;
}

const soonMs = 21 * 86_400_000;
const wantedBuffer = 4 * 1024 * 1024;
/** Longer secrets do not fit into some devices (radius.md §16). */
const longSecret = 63;
const shortSecret = 16;

const ok = (what: string): Finding => ({ level: 'ok', what });
const warn = (what: string): Finding => ({ level: 'warn', what });
const fail = (what: string): Finding => ({ level: 'fail', what });

export async function doctor(options: DoctorOptions): Promise<readonly Finding[]> {
  const parts = [checkPolicy, checkCore, checkHomeServers, checkClientAuthority, checkRadsec, checkKernel];
  const found: Finding[] = [];
  for (const part of parts) found.push(...(await part(options).catch((error: unknown) => [fail(message(error))])));
  return found;
}

async function checkPolicy({ policy, config }: DoctorOptions): Promise<Finding[]> {
  await policy.refresh();
  const { policy_file: path } = config.radius;
  return [ok(path === '' ? 'no policy file' : `policy file ${path} is good`)];
}

async function checkCore(options: DoctorOptions): Promise<Finding[]> {
  const { core, config } = options;
  const outpost = await core.outpost();
  if (outpost === undefined)
    return [fail('the core lists no outpost for this token: take the token of a RADIUS outpost')];
  if (outpost.type !== 'radius')
    return [fail(`the token is that of outpost "${outpost.name}" of type ${outpost.type}`)];
  const rows = await core.providers();
  const reached = ok(`core ${config.host} reached as outpost "${outpost.name}"`);
  if (rows.length === 0)
    return [
      reached,
      fail('no provider: attach a RADIUS provider to an application, and the application to this outpost'),
    ];
  const each = await Promise.all(rows.map((row) => checkProvider(options, row)));
  return [reached, ...each.flat(), ...checkNetworks(options, rows)];
}

async function checkProvider({ core, config, nowMs }: DoctorOptions, row: RadiusProviderRow): Promise<Finding[]> {
  const name = `provider "${row.name}"`;
  return [
    checkSecret(name, row.shared_secret),
    ...(row.wifi_secrets ? [ok(`${name}: MS-CHAPv2 against Wi-Fi secrets`)] : []),
    ...(row.local_certificates && config.radius.eap_client_ca === ''
      ? [fail(`${name} wants client certificates checked here: set eap_client_ca`)]
      : []),
    ...(await checkEapCertificate(core, config, row, nowMs).catch((error: unknown) => [
      fail(`${name}: ${message(error)}`),
    ])),
  ];
}

function checkSecret(name: string, secret: string): Finding {
  if (secret === '') return fail(`${name} has no shared secret: every packet is dropped`);
  if (secret.length < shortSecret)
    return warn(`${name}: a shared secret of ${secret.length} characters can be guessed; take 32`);
  if (secret.length > longSecret)
    return warn(`${name}: a shared secret of ${secret.length} characters is too long for some devices; take 32`);
  return ok(`${name}: shared secret of ${secret.length} characters`);
}

async function checkEapCertificate(
  core: CoreInspection,
  { radius }: DoctorOptions['config'],
  row: RadiusProviderRow,
  nowMs: number,
): Promise<Finding[]> {
  const name = `provider "${row.name}"`;
  if (typeof row.certificate === 'string') {
    const { pem, hasKey } = await core.certificate(row.certificate);
    if (!hasKey) return [fail(`${name}: its certificate has no private key, so there is no EAP`)];
    return [checkValidity(`${name}: EAP certificate of the core`, pem, nowMs)];
  }
  if (radius.eap_certificate === '') return [warn(`${name} has no certificate, so there is no EAP (Wi-Fi): only PAP`)];
  await readFile(radius.eap_key);
  return [
    checkValidity(
      `${name}: EAP certificate ${radius.eap_certificate}`,
      await readFile(radius.eap_certificate, 'utf8'),
      nowMs,
    ),
  ];
}

function checkValidity(what: string, pem: string, nowMs: number): Finding {
  const { validTo, subject } = new X509Certificate(pem);
  const endMs = Date.parse(validTo);
  const shown = `${what} (${subject.replaceAll('\n', ', ')})`;
  if (endMs < nowMs) return fail(`${shown} expired on ${validTo}`);
  if (endMs - nowMs < soonMs) return warn(`${shown} expires on ${validTo}`);
  return ok(`${shown} is valid until ${validTo}`);
}

function checkNetworks({ policy }: DoctorOptions, rows: readonly RadiusProviderRow[]): Finding[] {
  const found: Finding[] = [];
  const complain = (event: string, fields: { readonly cidr?: string } = {}) =>
    void found.push(fail(`${event}: ${fields.cidr ?? ''}`));
  createClientTable(rows.map(providerFromApi), policy.refine, { error: complain, warn: complain });
  for (const { name, client_networks } of rows)
    if (/(?:^|[\s,])(?:0\.0\.0\.0|::)\/0/.test(client_networks))
      found.push(warn(`provider "${name}" takes packets from everywhere: name the networks of its devices`));
  return found;
}

/** Each is asked as the daemon asks it. */
async function checkHomeServers({ policy }: DoctorOptions): Promise<Finding[]> {
  const unused = {
    onForged: () => undefined,
    notices: { isDue: () => false },
    clock: systemClock,
    log: { info: () => undefined, warn: () => undefined },
  };
  return Promise.all(
    policy.homeServers.map(async (rule) => {
      const what = `home server ${rule.name} (${formatAddress(rule.authentication)}${rule.tls === undefined ? '' : ', TLS'})`;
      if (!rule.hasStatusCheck) return ok(`${what} is not asked: status_check is off`);
      const server = createHomeServer(rule, unused);
      const answers = await server.check();
      const { trouble } = server;
      server.close();
      if (answers) return ok(`${what} answers Status-Server`);
      return trouble === undefined
        ? fail(`${what} does not answer Status-Server: away, another secret, or it does not know us as its client`)
        : fail(`${what} does not answer Status-Server: ${trouble}`);
    }),
  );
}

async function checkClientAuthority({ config: { radius }, nowMs }: DoctorOptions): Promise<Finding[]> {
  if (radius.eap_client_ca === '') return [];
  const caPem = await readFile(radius.eap_client_ca, 'utf8');
  const crlPem = radius.eap_client_crl === '' ? undefined : await readFile(radius.eap_client_crl, 'utf8');
  const { listsEndMs } = await createAuthority({ caPem, crlPem, userField: radius.eap_user_field });
  const ca = checkValidity('authority of client certificates', caPem, nowMs);
  if (crlPem === undefined)
    return [ca, warn('no revocation list (eap_client_crl): a lost client certificate stays good')];
  if (listsEndMs !== undefined && listsEndMs < nowMs)
    return [ca, fail('the revocation list has run out: every client certificate is refused')];
  return [ca, ok('revocation list is current')];
}

async function checkRadsec({ config: { radius, listen }, nowMs }: DoctorOptions): Promise<Finding[]> {
  if (listen.radsec.length === 0) return [];
  if (radius.radsec_ca === '')
    return [fail('RadSec has listeners but no authority (radsec_ca), so it does not listen')];
  await Promise.all([readFile(radius.radsec_key), readFile(radius.radsec_ca)]);
  const peers = radius.radsec_peers.length === 0 ? [fail('RadSec has no peers (radsec_peers): nobody gets in')] : [];
  return [checkValidity('RadSec certificate', await readFile(radius.radsec_certificate, 'utf8'), nowMs), ...peers];
}

async function checkKernel({ config: { listen } }: DoctorOptions): Promise<Finding[]> {
  const path = '/proc/sys/net/core/rmem_max';
  const text = await readFile(path, 'utf8').catch(() => undefined); // not Linux, or a container without it
  const largest = text === undefined ? undefined : Number(text);
  const lost = kernelDrops([...listen.radius, ...listen.accounting].map(({ port }) => port));
  return [
    ...(largest !== undefined && largest < wantedBuffer
      ? [
          warn(
            `the kernel grants ${largest} bytes of receive buffer: sysctl -w net.core.rmem_max=${wantedBuffer} saves bursts`,
          ),
        ]
      : []),
    ...(lost !== undefined && lost > 0 ? [warn(`the kernel has thrown away ${lost} datagrams on our ports`)] : []),
  ];
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
