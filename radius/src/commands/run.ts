// The words after `gatehouse radius` that do not start the daemon. Called by the gatehouse command.
import type { Commands, Terminal } from '@gatehouse/daemon/commands';
import { loadConfig } from '@gatehouse/daemon/config';
import { healthSocketPath } from '@gatehouse/daemon/health';
import { exitCode } from '@gatehouse/daemon/lifecycle';
import { radiusConfig, settingsOf } from '../config.ts';
import { inspectCore } from '../core-inspection.ts';
import { createPolicy } from '../policy/policy.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { clientsPage, dropsPage, showPage } from './local-pages.ts';
import { testLogin } from './test-login.ts';

/** What `gatehouse radius` can do besides running. */
export const radiusCommands: Commands = {
  test: {
    usage: '<user> [--server=127.0.0.1:1812]',
    summary: 'log in like a device and print the exchange (RADIUS_SECRET, RADIUS_PASSWORD)',
    run: (argv, { env, print }) => testLogin({ argv, env, print: (line) => print(`${line}\n`) }),
  },
  explain: {
    usage: '<user> <address of the device> [--groups=a,b]',
    summary: 'provider, settings and attributes that a login would get, each with where it comes from',
    run: runExplain,
  },
  doctor: {
    usage: '',
    summary: 'look for what is wrong: core, token, providers, secrets, policy file',
    run: runDoctor,
  },
  drops: { usage: '', summary: 'the last packets that got no answer, with the reason', run: localPage(dropsPage) },
  clients: { usage: '', summary: 'which devices sign their requests', run: localPage(clientsPage) },
};

function localPage(page: string) {
  return (argv: readonly string[], { env, print }: Terminal) => {
    const { config } = loadConfig(radiusConfig, { env, argv });
    return showPage(healthSocketPath(config.instance_name), page, print);
  };
}

async function runExplain(words: readonly string[], { env, print }: Terminal): Promise<number | 'usage'> {
  const [username, nas] = words.filter((one) => !one.startsWith('--'));
  if (username === undefined || nas === undefined) return 'usage';
  const groups = words
    .find((one) => one.startsWith('--groups='))
    ?.slice('--groups='.length)
    .split(',');
  const argv = words.filter((one) => one.startsWith('--') && !one.startsWith('--groups='));
  const { config } = loadConfig(radiusConfig, { env, argv });
  const policy = createPolicy(config.radius.policy_file, settingsOf(config.radius), { info: () => undefined });
  await policy.refresh();
  await using core = inspectCore(config);
  print(await explain({ username, nas, groups, core, policy }));
  return exitCode.success;
}

async function runDoctor(argv: readonly string[], { env, print }: Terminal): Promise<number> {
  const { config } = loadConfig(radiusConfig, { env, argv });
  const policy = createPolicy(config.radius.policy_file, settingsOf(config.radius), { info: () => undefined });
  await using core = inspectCore(config);
  const findings = await doctor({ config, core, policy, nowMs: Date.now() });
  for (const { level, what } of findings) print(`${level.padEnd(4)}  ${what}\n`);
  return findings.some(({ level }) => level === 'fail') ? 1 : exitCode.success;
}
