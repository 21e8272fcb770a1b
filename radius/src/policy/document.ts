// The policy file (radius.md B05, B16): what holds for which clients, and which attributes a group gets. YAML or JSON, read
// whole: everything that is wrong is told with its place, and nothing of a wrong file comes into force.
import { parseDuration, readDocument } from '@gatehouse/daemon/config';
import { type Attribute, type Dictionary, parseAttribute } from '@gatehouse/wire/radius';
import { z } from 'zod';
import { coaChanges, maxEapResumptionMs } from '../clients/settings.ts';
import { readNetwork } from '../clients/table.ts';
import { radiusError } from '../errors.ts';
import {
  type HomeServerRule,
  homeServerEntry,
  homeServersOf,
  type RealmRule,
  realmEntry,
  realmsOf,
} from '../realms/realm-rules.ts';

const yesNo = z.boolean();
const network = z.string().refine((text) => readNetwork(text) !== undefined, { error: 'is not address/prefix' });
const oneOrMany = <T extends z.ZodType>(one: T) => z.union([one.transform((value) => [value]), z.array(one)]);

const resumption = z.union([z.number(), z.string()]).transform((given, context) => {
  const ms = typeof given === 'number' ? given * 1_000 : parseDuration(given);
  if (ms !== undefined && ms >= 0 && ms <= maxEapResumptionMs) return ms;
  context.addIssue({ code: 'custom', message: 'is no duration from 0 to 24h, such as 8h or 30m' });
  return z.NEVER;
});

const client = z.strictObject({
  application: z.string().optional(),
  networks: oneOrMany(network).optional(),
  secret: z.string().min(1).max(1_000).optional(),
  require_message_authenticator: z.enum(['no', 'auto', 'yes']).optional(),
  limit_proxy_state: yesNo.optional(),
  on_core_failure: z.enum(['drop', 'reject']).optional(),
  require_attributes: yesNo.optional(),
  eap_methods: z.array(z.enum(['tls', 'ttls', 'peap'])).optional(),
  eap_resumption: resumption.optional(),
  challenge: yesNo.optional(),
  coa: yesNo.optional(),
  coa_on_change: z.enum(coaChanges).optional(),
  coa_port: z.number().int().min(1).max(65_535).optional(),
  trust_calling_station: yesNo.optional(),
  reply_user_name: yesNo.optional(),
});
export type ClientRule = z.infer<typeof client>;

const scalar = z.union([z.string(), z.number()]).transform(String);
const rule = z.strictObject({
  groups: oneOrMany(z.string()).optional(),
  application: z.string().optional(),
  realm: oneOrMany(z.string()).optional(),
  set: z.record(z.string(), oneOrMany(scalar)),
});

const document = z.strictObject({
  clients: z.array(client).default([]),
  attributes: z.array(rule).default([]),
  home_servers: z.record(z.string(), homeServerEntry).default({}),
  realms: z.array(realmEntry).default([]),
});

/** One line of the table group → attributes. */
export interface AttributeRule {
  /** A user in any of them; `undefined` for everybody. */
  readonly groups: readonly string[] | undefined;
  readonly application: string | undefined;
  /** Of logins that a home server of these realms has accepted; `undefined` for those of our own users. */
  readonly realms: readonly string[] | undefined;
  readonly attributes: readonly NamedAttribute[];
}

export interface NamedAttribute {
  /** As written, with its tag: one name is set by one rule only. */
  readonly name: string;
  readonly text: string;
  readonly attribute: Attribute;
}

export interface PolicyDocument {
  readonly clients: readonly ClientRule[];
  readonly attributes: readonly AttributeRule[];
  readonly homeServers: readonly HomeServerRule[];
  readonly realms: readonly RealmRule[];
}

export const emptyPolicy: PolicyDocument = { clients: [], attributes: [], homeServers: [], realms: [] };

/** @throws GatewayError `ERR_RADIUS_POLICY` with every problem and its place */
export function readPolicy(text: string, path: string, dictionary: Dictionary): PolicyDocument {
  const parsed = readDocument(text, document);
  if ('problems' in parsed) throw policyError(path, parsed.problems);
  const problems: string[] = [];
  const attributes = parsed.data.attributes.map(({ groups, application, realm, set }, at) => ({
    groups,
    application,
    realms: realm,
    attributes: Object.entries(set).flatMap(([name, texts]) =>
      texts.flatMap((one) => readAttribute(dictionary, name, one, `attributes[${at}].set`, problems)),
    ),
  }));
  const homeServers = homeServersOf(parsed.data.home_servers);
  const realms = realmsOf(parsed.data.realms, homeServers, dictionary, problems);
  if (problems.length > 0) throw policyError(path, problems);
  return { clients: parsed.data.clients, attributes, homeServers, realms };
}

function readAttribute(
  dictionary: Dictionary,
  name: string,
  text: string,
  where: string,
  problems: string[],
): NamedAttribute[] {
  try {
    return [{ name, text, attribute: parseAttribute(dictionary, name, text) }];
  } catch (error) {
    problems.push(`${where}.${name}: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

function policyError(path: string, problems: readonly string[]) {
  return radiusError(
    'ERR_RADIUS_POLICY',
    `${path}: ${problems.join('; ')}.`,
    'See radius/docs/policy.md for its form.',
  );
}
