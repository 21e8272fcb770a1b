// The part of the policy file about other organisations: home servers, which realms go to them, and what they may set.
import { isIP } from 'node:net';
import type { Address } from '@gatehouse/daemon/config';
import { createPacketKey, type Dictionary, type PacketKey, vendorSpecific } from '@gatehouse/wire/radius';
import { z } from 'zod';
import type { TlsNames } from '../home-servers/tls-wire.ts';
import { isRealm } from './realms.ts';

const seconds = (most: number) => z.number().min(0.05).max(most);
const port = z.number().int().min(1).max(65_535);
const maxSecretLength = 1_000;
/** RFC 6614 §2.3: TLS is what protects. */
const radsecSecret = 'radsec';

const path = z.string().min(1);
const tlsEntry = z.strictObject({
  ca: path,
  certificate: path,
  key: path,
  server_name: z.string().min(1).optional(),
});

export const homeServerEntry = z
  .strictObject({
    address: z.string().min(1),
    port: port.optional(),
    accounting_port: port.default(1813),
    secret: z.string().min(1).max(maxSecretLength).optional(),
    tls: tlsEntry.optional(),
    require_message_authenticator: z.boolean().optional(),
    status_check: z.boolean().default(true),
    watchdog_interval: seconds(3_600).default(30),
    response_window: seconds(60).default(4),
    check_interval: seconds(3_600).default(10),
    dead_time: seconds(3_600).default(60),
  })
  .superRefine(({ address, secret, tls }, context) => {
    const complain = (at: string, message: string) => context.addIssue({ code: 'custom', path: [at], message });
    if (tls === undefined && isIP(address) === 0) complain('address', 'is no address; a name is for tls only');
    if (isIP(address) === 0 && !isHostName(address))
      complain('address', 'is neither an address nor the name of a host');
    if (tls === undefined && secret === undefined) complain('secret', 'is missing');
  });

function isHostName(text: string): boolean {
  return /^(?=.{1,253}$)[a-z\d](?:[a-z\d-]*[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]*[a-z\d])?)*$/i.test(text);
}

const realmName = z.string().refine((text) => isRealm(text.replace(/^\*\./, '')), {
  error: 'is no realm, *.realm, DEFAULT or NULL',
});

export const realmEntry = z.strictObject({
  realm: z.union([realmName.transform((one) => [one]), z.array(realmName).min(1)]),
  application: z.string().optional(),
  home_servers: z.array(z.string()).default([]),
  strip: z.boolean().default(false),
  accounting: z.enum(['local', 'home', 'both']).default('local'),
  timeout: seconds(120).default(30),
  allow: z.union([z.literal('all'), z.array(z.string())]).default([]),
});

/** Another RADIUS server that decides about the logins of its realms. */
export interface HomeServerRule {
  readonly name: string;
  readonly authentication: Address;
  readonly accounting: Address;
  readonly key: PacketKey;
  /** The entry as text: two of the same are one server. */
  readonly identity: string;
  /** RadSec in place of datagrams. */
  readonly tls: TlsNames | undefined;
  /** Of a TLS connection: quiet for so long it is asked. */
  readonly watchdogMs: number;
  /** An answer without is dropped. */
  readonly needsMessageAuthenticator: boolean;
  /** It answers Status-Server. */
  readonly hasStatusCheck: boolean;
  /** Without any answer for so long it is looked after. */
  readonly responseMs: number;
  readonly checkEveryMs: number;
  /** How long a server without Status-Server is left alone. */
  readonly deadMs: number;
}

export interface RealmRule {
  readonly realms: readonly string[];
  readonly application: string | undefined;
  /** In the order in which they are asked; none: the realm is ours. */
  readonly homeServers: readonly string[];
  readonly strip: boolean;
  readonly accounting: 'local' | 'home' | 'both';
  /** How long an answer is waited for, over all of its servers. */
  readonly timeoutMs: number;
  /** Attributes that its servers may set, as of {@link attributeIdentity}, besides those that no access depends on. */
  readonly allow: ReadonlySet<string> | 'all';
}

export function homeServersOf(entries: Readonly<Record<string, z.infer<typeof homeServerEntry>>>): HomeServerRule[] {
  return Object.entries(entries).map(([name, entry]) => {
    const { address: host, tls } = entry;
    return {
      name,
      authentication: { host, port: entry.port ?? (tls === undefined ? 1812 : 2083) },
      accounting: { host, port: entry.accounting_port },
      key: createPacketKey(entry.secret ?? radsecSecret),
      identity: JSON.stringify([name, entry]),
      tls: tls && { ...tls, serverName: tls.server_name ?? host },
      // TLS has seen to it that nobody has changed the answer (RFC 6614 §2.3).
      needsMessageAuthenticator: entry.require_message_authenticator ?? tls === undefined,
      hasStatusCheck: entry.status_check,
      watchdogMs: entry.watchdog_interval * 1_000,
      responseMs: entry.response_window * 1_000,
      checkEveryMs: entry.check_interval * 1_000,
      deadMs: entry.dead_time * 1_000,
    };
  });
}

/** @param problems gets what is wrong, with its place */
export function realmsOf(
  entries: readonly z.infer<typeof realmEntry>[],
  servers: readonly HomeServerRule[],
  dictionary: Dictionary,
  problems: string[],
): RealmRule[] {
  return entries.map((entry, at) => {
    for (const name of entry.home_servers)
      if (!servers.some((server) => server.name === name))
        problems.push(`realms[${at}].home_servers: "${name}" is not in home_servers`);
    if (entry.home_servers.length === 0 && entry.strip)
      problems.push(`realms[${at}].strip: only for realms with home_servers; the core gets names as they come`);
    return {
      realms: entry.realm,
      application: entry.application,
      homeServers: entry.home_servers,
      strip: entry.strip,
      accounting: entry.accounting,
      timeoutMs: entry.timeout * 1_000,
      allow:
        entry.allow === 'all' ? entry.allow : readAllowed(entry.allow, dictionary, `realms[${at}].allow`, problems),
    };
  });
}

function readAllowed(names: readonly string[], dictionary: Dictionary, where: string, problems: string[]): Set<string> {
  const allowed = new Set<string>();
  for (const name of names) {
    const entry = dictionary.byName(name);
    const raw = /^Attribute-(\d{1,3})$/i.exec(name)?.[1];
    if (entry !== undefined) allowed.add(attributeIdentity(entry.vendor, entry.type));
    else if (raw !== undefined && Number(raw) <= 255 && Number(raw) !== vendorSpecific)
      allowed.add(attributeIdentity(0, Number(raw)));
    else problems.push(`${where}: "${name}" is in no dictionary; write Attribute-<number>`);
  }
  return allowed;
}

/** @param vendor 0 for the standard space */
export function attributeIdentity(vendor: number, type: number): string {
  return `${vendor}/${type}`;
}
