// `gatehouse radius explain <user> <nas>`: which provider serves a device, which settings hold for it and why, and which
// attributes a login of this user would get from whom. Asks the core, changes nothing, needs no password.
import { formatAddress } from '@gatehouse/daemon/config';
import type { PacketKey } from '@gatehouse/wire/radius';
import { readCoreAttributes } from '../attributes/core-attributes.ts';
import { describeAttributes } from '../attributes/describe.ts';
import { providerFromApi } from '../clients/provider.ts';
import { type Client, createClientTable } from '../clients/table.ts';
import type { CoreInspection } from '../core-inspection.ts';
import type { Explained, Policy } from '../policy/policy.ts';
import type { Route } from '../realms/realms.ts';

export interface ExplainOptions {
  readonly username: string;
  /** Address of the device. */
  readonly nas: string;
  /** In place of what the core says, or where it cannot say. */
  readonly groups: readonly string[] | undefined;
  readonly core: CoreInspection;
  readonly policy: Policy;
}

/** Text for people. @throws GatewayError when the core cannot be asked */
export async function explain({ username, nas, groups: given, core, policy }: ExplainOptions): Promise<string> {
  const problems: string[] = [];
  const complain = (event: string, { cidr, provider }: { readonly cidr?: string; readonly provider?: unknown } = {}) =>
    void problems.push(`warning    ${event}: ${cidr ?? ''} (${String(provider ?? '')})`);
  const providers = (await core.providers()).map(providerFromApi);
  const client = createClientTable(providers, policy.refine, { error: complain, warn: complain }).find(nas);
  if (client === undefined) {
    const known = providers.map(({ name, networks }) => `  ${name}: ${networks.join(', ')}`);
    return [`${nas} is in no client network: its packets are dropped. Networks:`, ...known, ''].join('\n');
  }
  const { provider } = client;
  const route = policy.route(provider.app, username);
  const login =
    route === undefined
      ? await explainLogin({ username, nas, groups: given, core, policy }, client)
      : explainForwarding(policy, provider.app, route);
  const { cidr } = client;
  const lines = [
    `device     ${nas}: provider "${provider.name}" (application ${provider.app}) by ${cidr}`,
    `secret     ${client.key === undefined ? 'none: every packet is dropped' : client.key === provider.key ? 'of the provider' : 'of the policy file'}`,
    ...policy
      .explainSettings(provider.app, nas)
      .map(({ name, value, from }) => `setting    ${name} = ${value}  (${from})`),
    ...login,
    ...problems,
  ];
  return `${lines.join('\n')}\n`;
}

/** Decided here. */
async function explainLogin(
  { username, groups: given, core, policy }: ExplainOptions,
  { provider, key }: Client,
): Promise<string[]> {
  const told = await core.explain(provider.pk, username);
  const groups = given ?? told?.groups ?? [];
  const ofCore = attributesOf(told?.attributes, key);
  return [
    `user       ${username}: ${userLine(told, given, groups)}`,
    ...describeAttributes(ofCore.attributes).map((line) => `attribute  ${line}  (core)`),
    ...ofCore.problems,
    ...ruleLines(policy.explain(provider.app, { groups }, ofCore.attributes)),
  ];
}

/** Decided by a home server, which is not asked here. */
function explainForwarding(policy: Policy, app: string, { realm, username, rule }: Route): string[] {
  const addressOf = (name: string) => policy.homeServers.find((one) => one.name === name)?.authentication;
  const servers = rule.homeServers.map((name) => {
    const address = addressOf(name);
    return address === undefined ? name : `${name} (${formatAddress(address)})`;
  });
  const allowed = rule.allow === 'all' ? 'everything' : 'what no access here depends on';
  return [
    `realm      ${realm === '' ? 'NULL' : realm}: handed on to ${servers.join(', then ')} as ${username}`,
    `accounting ${{ local: 'kept here', home: 'handed on', both: 'kept here and handed on' }[rule.accounting]}`,
    `home may   set ${allowed}${rule.allow === 'all' || rule.allow.size === 0 ? '' : `, and ${rule.allow.size} attributes of its entry`}`,
    ...ruleLines(policy.explain(app, { realm }, [])),
  ];
}

function ruleLines(explained: readonly Explained[]): string[] {
  return explained.map(
    ({ name, text, rule, shadowed }) =>
      `attribute  ${name} = ${text}  (rule ${rule}${shadowed === undefined ? '' : `, not sent: ${shadowed}`})`,
  );
}

type Told = Awaited<ReturnType<CoreInspection['explain']>>;

function userLine(told: Told, given: readonly string[] | undefined, groups: readonly string[]): string {
  const list = groups.length === 0 ? 'no groups' : `groups ${groups.join(', ')}`;
  if (told === undefined)
    return given === undefined
      ? 'this core does not tell groups to this outpost; add --groups=a,b'
      : `${list} as given; the core does not tell about access`;
  if (!told.isPassing) return `no access${given === undefined ? '' : `; ${list} as given`}`;
  return `access; ${list}${given === undefined ? '' : ' as given'}`;
}

function attributesOf(encoded: string | undefined, key: PacketKey | undefined) {
  if (encoded === undefined || key === undefined) return { attributes: [], problems: [] };
  const read = readCoreAttributes(encoded, Buffer.alloc(16), key);
  return read.kind === 'attributes'
    ? { attributes: read.attributes, problems: [] }
    : { attributes: [], problems: [`warning    the attributes of the core cannot be read: ${read.reason}`] };
}
