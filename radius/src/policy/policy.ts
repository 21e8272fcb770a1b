// The policy file in force: read at the start, and again at each refresh (SIGUSR1); a file that has become wrong is told and
// leaves the earlier one in force. Gives settings for a client and attributes for a user, and says where each comes from.
import { readFile } from 'node:fs/promises';
import type { Logger } from '@gatehouse/daemon/log';
import { type Attribute, createDictionary, createPacketKey } from '@gatehouse/wire/radius';
import { attributeIdentity } from '../attributes/attribute-identity.ts';
import { createPrefixTable } from '../clients/prefix-table.ts';
import type { ClientSettings } from '../clients/settings.ts';
import { type Refinement, readNetwork } from '../clients/table.ts';
import type { HomeServerRule } from '../realms/realm-rules.ts';
import { findRoute, isRealmOf, type Route } from '../realms/realms.ts';
import {
  type AttributeRule,
  type ClientRule,
  emptyPolicy,
  type NamedAttribute,
  type PolicyDocument,
  readPolicy,
} from './document.ts';

export interface Policy {
  /** Settings, and the secret where the file has one, of a client. */
  refine(app: string, address: string): Refinement;
  /** What the rules add to `given`: a name that is already there stays as it is. */
  attributes(app: string, whose: Whose, given: readonly Attribute[]): readonly Attribute[];
  /** The same with the number of the rule, for people. */
  explain(app: string, whose: Whose, given: readonly Attribute[]): readonly Explained[];
  /** Each setting of a client with its value and where that comes from, for people. */
  explainSettings(app: string, address: string): readonly ExplainedSetting[];
  /** Where a name is decided about; `undefined` for here. */
  route(app: string, username: string): Route | undefined;
  readonly homeServers: readonly HomeServerRule[];
  /**
   * @returns whether anything has changed
   * @throws GatewayError `ERR_RADIUS_POLICY`, or why the file cannot be read; the earlier one stays in force
   */
  refresh(): Promise<boolean>;
}

/** Who has logged in: one of our users with groups, or a visitor of a realm. */
export type Whose = { readonly groups: readonly string[] } | { readonly realm: string };

export interface Explained extends NamedAttribute {
  /** Counted from 1. */
  readonly rule: number;
  /** Why it is not sent; `undefined` when it is. */
  readonly shadowed: string | undefined;
}

export interface ExplainedSetting {
  readonly name: string;
  readonly value: string;
  readonly from: string;
}

export function createPolicy(path: string, base: ClientSettings, log: Pick<Logger, 'info'>): Policy {
  const dictionary = createDictionary();
  let document: PolicyDocument = emptyPolicy;
  let text = '';
  const explain: Policy['explain'] = (app, whose, given) => explainRules(document, app, whose, given);
  return {
    refine: (app, address) => refine(document.clients, base, app, address),
    explain,
    explainSettings: (app, address) => explainSettings(document.clients, base, app, address),
    attributes(app, whose, given) {
      if (document.attributes.length === 0) return [];
      return explain(app, whose, given).flatMap(({ shadowed, attribute }) =>
        shadowed === undefined ? [attribute] : [],
      );
    },
    route: (app, username) => (document.realms.length === 0 ? undefined : findRoute(document.realms, app, username)),
    get homeServers() {
      return document.homeServers;
    },
    async refresh() {
      if (path === '') return false;
      const now = await readFile(path, 'utf8');
      if (now === text) return false;
      document = readPolicy(now, path, dictionary);
      text = now;
      log.info('policy in force', { path, entries: document.attributes.length, count: document.clients.length });
      return true;
    },
  };
}

/** Less specific entries first, so that the most specific has the last word; equal ones in the order of the file. */
function matching(rules: readonly ClientRule[], app: string, address: string) {
  return rules
    .flatMap((rule, at) => {
      const prefix = matchedPrefix(rule, app, address);
      return prefix === undefined ? [] : [{ rule, prefix, entry: at + 1 }];
    })
    .sort((one, other) => one.prefix - other.prefix);
}

function explainSettings(
  rules: readonly ClientRule[],
  base: ClientSettings,
  app: string,
  address: string,
): ExplainedSetting[] {
  const found = new Map(Object.entries(base).map(([name, value]) => [name, { value: String(value), from: 'daemon' }]));
  let settings = base;
  for (const { rule, entry } of matching(rules, app, address)) {
    settings = applyRule(settings, rule);
    for (const [name, value] of Object.entries(settings))
      if (found.get(name)?.value !== String(value))
        found.set(name, { value: String(value), from: `clients entry ${entry}` });
  }
  return [...found].map(([name, { value, from }]) => ({ name: snakeCase(name), value, from }));
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function refine(rules: readonly ClientRule[], base: ClientSettings, app: string, address: string): Refinement {
  let settings = base;
  let secret: string | undefined;
  for (const { rule } of matching(rules, app, address)) {
    settings = applyRule(settings, rule);
    secret = rule.secret ?? secret;
  }
  return secret === undefined ? { settings } : { settings, key: createPacketKey(secret) };
}

/** Length of the longest prefix that holds the address, 0 without networks; `undefined` when the entry is about others. */
function matchedPrefix(rule: ClientRule, app: string, address: string): number | undefined {
  if (rule.application !== undefined && rule.application !== app) return undefined;
  if (rule.networks === undefined) return rule.application === undefined ? 0 : 0.5;
  const networks = rule.networks.flatMap((text) => readNetwork(text) ?? []);
  return createPrefixTable(networks.map((one) => ({ ...one, value: one.prefix + 1 }))).find(address);
}

function applyRule(settings: ClientSettings, rule: ClientRule): ClientSettings {
  return {
    requireMessageAuthenticator: rule.require_message_authenticator ?? settings.requireMessageAuthenticator,
    limitProxyState: rule.limit_proxy_state ?? settings.limitProxyState,
    onCoreFailure: rule.on_core_failure ?? settings.onCoreFailure,
    requireAttributes: rule.require_attributes ?? settings.requireAttributes,
    eapMethods: rule.eap_methods ?? settings.eapMethods,
    challenge: rule.challenge ?? settings.challenge,
    coa: rule.coa ?? settings.coa,
    coaOnChange: rule.coa_on_change ?? settings.coaOnChange,
    coaPort: rule.coa_port ?? settings.coaPort,
    trustCallingStation: rule.trust_calling_station ?? settings.trustCallingStation,
    eapResumptionMs: rule.eap_resumption ?? settings.eapResumptionMs,
    replyUserName: rule.reply_user_name ?? settings.replyUserName,
  };
}

/** The first rule that sets a name has it; what the core has set is never changed. */
function explainRules(
  { attributes: rules }: PolicyDocument,
  app: string,
  whose: Whose,
  given: readonly Attribute[],
): Explained[] {
  const ofCore = new Set(given.map(attributeIdentity));
  const owners = new Map<string, number>();
  return rules.flatMap((rule, at) => {
    if ((rule.application !== undefined && rule.application !== app) || !isAbout(rule, whose)) return [];
    return rule.attributes.map((named) => {
      const name = named.name.toLowerCase();
      const owner = owners.get(name) ?? at;
      owners.set(name, owner);
      const shadowed = ofCore.has(attributeIdentity(named.attribute))
        ? 'the core has set it'
        : owner === at
          ? undefined
          : `rule ${owner + 1} has set it`;
      return { ...named, rule: at + 1, shadowed };
    });
  });
}

function isAbout({ groups, realms }: AttributeRule, whose: Whose): boolean {
  if ('realm' in whose) return realms?.some((one) => isRealmOf(one, whose.realm)) ?? false;
  return realms === undefined && (groups === undefined || groups.some((group) => whose.groups.includes(group)));
}
