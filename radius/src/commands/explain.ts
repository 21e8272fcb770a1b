// `gatehouse radius explain <user> <nas>`: which provider serves a device, which settings hold for it and why, and which
// attributes a login of this user would get from whom. Asks the core, changes nothing, needs no password.
import type { PacketKey } from '@gatehouse/wire/radius';
import { readCoreAttributes } from '../attributes/core-attributes.ts';
import { describeAttributes } from '../attributes/describe.ts';
import { providerFromApi } from '../clients/provider.ts';
import { createClientTable } from '../clients/table.ts';
import type { CoreInspection } from '../core-inspection.ts';
import type { Policy } from '../policy/policy.ts';

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
  const { provider, cidr } = client;
  const told = await core.explain(provider.pk, username);
  const groups = given ?? told?.groups ?? [];
  const ofCore = attributesOf(told?.attributes, client.key);
  const lines = [
    `device     ${nas}: provider "${provider.name}" (application ${provider.app}) by ${cidr}`,
    `secret     ${client.key === undefined ? 'none: every packet is dropped' : client.key === provider.key ? 'of the provider' : 'of the policy file'}`,
    ...policy
      .explainSettings(provider.app, nas)
      .map(({ name, value, from }) => `setting    ${name} = ${value}  (${from})`),
    `user       ${username}: ${userLine(told, given, groups)}`,
    ...describeAttributes(ofCore.attributes).map((line) => `attribute  ${line}  (core)`),
    ...ofCore.problems,
    ...policy
      .explain(provider.app, groups, ofCore.attributes)
      .map(
        ({ name, text, rule, shadowed }) =>
          `attribute  ${name} = ${text}  (rule ${rule}${shadowed === undefined ? '' : `, not sent: ${shadowed}`})`,
      ),
    ...problems,
  ];
  return `${lines.join('\n')}\n`;
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
