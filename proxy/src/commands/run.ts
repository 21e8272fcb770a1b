// The words after `gatehouse proxy` that do not start the daemon. Called by the gatehouse command.
import { createCoreClient } from '@gatehouse/contract/client';
import { outpostRow, proxyProviderRow } from '@gatehouse/contract/rest';
import type { Commands, Terminal } from '@gatehouse/daemon/commands';
import { loadConfig } from '@gatehouse/daemon/config';
import { exitCode } from '@gatehouse/daemon/lifecycle';
import { createLogger } from '@gatehouse/daemon/log';
import { proxyConfig } from '../config.ts';
import { createApplications } from '../core.ts';
import { exampleSite, recipes } from '../recipes/recipe.ts';
import { loadRuleFile } from '../rules/rule-file.ts';
import { type Asker, explain } from './explain.ts';

/** What `gatehouse proxy` can do besides running. */
export const proxyCommands: Commands = {
  explain: {
    usage: '<url> [--user=alice] [--groups=a,b] [--entitlements=c] [--method=POST]',
    summary: 'which provider and which rule decide about a URL, and why',
    run: runExplain,
  },
  recipe: {
    usage: Object.keys(recipes).join('|'),
    summary: 'the configuration of a reverse proxy that asks this outpost',
    run: runRecipe,
  },
};

async function runExplain([url, ...flags]: readonly string[], { env, print }: Terminal): Promise<number | 'usage'> {
  if (url === undefined) return 'usage';
  print(await explainUrl(url, flags, env));
  return exitCode.success;
}

async function explainUrl(url: string, flags: readonly string[], env: Terminal['env']): Promise<string> {
  const { asker, rest } = askerOf(flags);
  const { config } = loadConfig(proxyConfig, { env, argv: rest });
  const core = createCoreClient({ ...config, userAgent: 'goauthentik.io/outpost/explain' });
  try {
    const [outpost] = await core.pages('/outposts/instances/', outpostRow, {});
    const rows = await core.pages('/outposts/proxy/', proxyProviderRow, {});
    const log = createLogger({ level: 'error', name: 'explain', destination: process.stderr });
    const tls = { replace: () => undefined };
    const applications = createApplications({ hostBrowser: () => config.host_browser ?? '', version: '', log, tls });
    if (config.rules !== '') applications.useRules(loadRuleFile(config.rules));
    if (outpost === undefined) return 'The core lists no outpost for this token.\n';
    applications.replace(rows, outpost, { get: () => undefined });
    const lookup = applications.lookup();
    return lookup === undefined ? 'The outpost has no provider.\n' : explain(lookup, url, asker);
  } finally {
    await core.close();
  }
}

/** `--user=alice --groups=a,b --entitlements=c --method=POST`, with a blank for the equals sign too, and what else was said. */
function askerOf(flags: readonly string[]): { readonly asker: Asker | undefined; readonly rest: readonly string[] } {
  const given = new Map<string, string>();
  const rest: string[] = [];
  const words = flags.values();
  for (const flag of words) {
    const [, name, value] = /^--(user|groups|entitlements|method)(?:=(.*))?$/s.exec(flag) ?? [];
    if (name === undefined) rest.push(flag);
    else given.set(name, value ?? words.next().value ?? '');
  }
  const user = given.get('user');
  const list = (name: string) => (given.get(name) ?? '').split(',').filter((item) => item !== '');
  const method = given.get('method')?.toUpperCase() ?? 'GET';
  const groups = list('groups');
  const entitlements = list('entitlements');
  return { rest, asker: user === undefined ? undefined : { user, method, groups, entitlements } };
}

async function runRecipe([name]: readonly string[], { print }: Terminal): Promise<number | 'usage'> {
  const recipe = Object.entries(recipes).find(([known]) => known === name)?.[1];
  if (recipe === undefined) return 'usage';
  print(recipe(exampleSite));
  return exitCode.success;
}
