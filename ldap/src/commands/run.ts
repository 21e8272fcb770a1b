// The words after `gatehouse ldap` that do not start the daemon. Called by the gatehouse command.
import type { Commands, Terminal } from '@gatehouse/daemon/commands';
import { loadConfig } from '@gatehouse/daemon/config';
import { exitCode } from '@gatehouse/daemon/lifecycle';
import { dnKeyOf, foldValue, parseFilter, type Scope } from '@gatehouse/wire/ldap';
import { type LdapConfig, ldapConfig } from '../config.ts';
import { inspectCore } from '../core-inspection.ts';
import { attribute } from '../directory/attribute-types.ts';
import { user } from '../directory/kinds.ts';
import type { Layout } from '../directory/layout.ts';
import { groupNamesOf } from '../directory/row-limits.ts';
import { ldapError } from '../errors.ts';
import { CustomTypes } from '../mapping/custom-attributes.ts';
import { createPolicy } from '../policy/policy.ts';
import { providerFromApi } from '../providers/provider.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';

/** What `gatehouse ldap` can do besides running. */
export const ldapCommands: Commands = {
  doctor: {
    usage: '',
    summary: 'look for what is wrong: name, TLS, clock, token, rights, providers, flows',
    run: runDoctor,
  },
  explain: {
    usage: '<filter> [base=ou=users,…] [scope=base|one|sub] [as=<user> | groups=<group>,…]',
    summary: 'which index answers a search, and what direct mode would ask of the core',
    run: runExplain,
  },
};

/** Exit code 1 when something is broken; warnings are none. */
async function runDoctor(argv: readonly string[], { env, print }: Terminal): Promise<number> {
  const { config } = loadConfig(ldapConfig, { env, argv });
  await using core = inspectCore(config, config.ldap.page_size);
  const policy = createPolicy(config.ldap.policy_file, new CustomTypes(), { info: () => undefined });
  const findings = await doctor({ config, core, policy, nowMs: Date.now() });
  for (const { level, what } of findings) print(`${level.padEnd(5)}${what}\n`);
  return findings.some(({ level }) => level === 'fail') ? exitCode.configuration : exitCode.success;
}

const scopes: Readonly<Record<string, Scope>> = { base: 'baseObject', one: 'singleLevel', sub: 'wholeSubtree' };
const usage =
  'Usage: gatehouse ldap explain "(cn=jdoe)" [base=ou=users,…] [scope=base|one|sub] [as=<user> | groups=<group>,…]';

async function runExplain(argv: readonly string[], { env, print }: Terminal): Promise<number> {
  const flags = argv.filter((word) => word.startsWith('--'));
  const [text = '', ...options] = argv.filter((word) => !word.startsWith('--'));
  const option = (name: string) => options.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  const filter = readFilter(text);
  const { config } = loadConfig(ldapConfig, { env, argv: flags });
  await using core = inspectCore(config, config.ldap.page_size);
  const provider = await providerAt(core, config, option('base'));
  const base = dnKeyOf(option('base') ?? provider.base.dn) ?? provider.base.key;
  const request = { filter, base, scope: scopes[option('scope') ?? 'sub'] ?? 'wholeSubtree' } as const;
  const types = new CustomTypes();
  const policy = createPolicy(config.ldap.policy_file, types, { info: () => undefined });
  await policy.refresh();
  const layout = await core.layout(provider, types);
  const rules = policy.of(provider.applicationSlug);
  for (const line of await explain(request, layout, rules?.viewOf(groupsFor(layout, option)))) print(`${line}\n`);
  return exitCode.success;
}

/** Of whoever the answer is for, by name or as given. */
function groupsFor({ directory, kinds }: Layout, option: (name: string) => string | undefined): readonly string[] {
  const name = option('as');
  if (name === undefined) return (option('groups') ?? '').split(',').filter((one) => one !== '');
  const row = directory.users.withValue(attribute.cn, foldValue(name))?.[0];
  if (row !== undefined) return groupNamesOf(directory, row);
  throw ldapError('ERR_LDAP_USAGE', `There is no user ${name} below ${kinds[user].container.dn}.`, usage);
}

function readFilter(text: string) {
  try {
    return parseFilter(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw ldapError('ERR_LDAP_USAGE', `"${text}" is no search filter: ${reason}.`, usage);
  }
}

/** The provider whose base holds the named one; the first when none is named. */
async function providerAt(core: ReturnType<typeof inspectCore>, { host }: LdapConfig, base: string | undefined) {
  const providers = (await core.providers()).flatMap((row) => providerFromApi(row) ?? []);
  const key = base === undefined ? undefined : dnKeyOf(base);
  const found = providers.find((one) => key === undefined || key === one.base.key || key.endsWith(`,${one.base.key}`));
  if (found !== undefined) return found;
  throw ldapError('ERR_LDAP_USAGE', `No provider of the core ${host} serves ${base ?? 'anything'}.`, usage);
}
