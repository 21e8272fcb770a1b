// The words after `gatehouse radius` that do not start the daemon: test, explain, doctor, drops, clients. Called by main.ts.
import { loadConfig } from '@gatehouse/daemon/config';
import { isGatewayError } from '@gatehouse/daemon/errors';
import { healthSocketPath } from '@gatehouse/daemon/health';
import { exitCode } from '@gatehouse/daemon/lifecycle';
import { radiusConfig, settingsOf } from '../config.ts';
import { inspectCore } from '../core-inspection.ts';
import { createPolicy } from '../policy/policy.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { clientsPage, dropsPage, showPage } from './local-pages.ts';
import { testLogin } from './test-login.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Print = (text: string) => void;

const commands: Readonly<
  Record<string, (words: readonly string[], env: Environment, print: Print) => Promise<number>>
> = {
  test: (argv, env, print) => testLogin({ argv, env, print: (line) => print(`${line}\n`) }),
  explain: runExplain,
  doctor: runDoctor,
  drops: localPage(dropsPage),
  clients: localPage(clientsPage),
};

function localPage(page: string) {
  return (argv: readonly string[], env: Environment, print: Print) => {
    const { config } = loadConfig(radiusConfig, { env, argv });
    return showPage(healthSocketPath(config.instance_name), page, print);
  };
}

/** @returns the exit code, or `undefined` when the words mean that the daemon shall run */
export async function runCommand(
  [word = '', ...rest]: readonly string[],
  env: Environment,
  print: Print = (text) => void process.stdout.write(text),
): Promise<number | undefined> {
  const command = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (command === undefined) return undefined;
  try {
    return await command(rest, env, print);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    print(`${error.code} ${error.message}\n${error.hint}\n`);
    return exitCode.configuration;
  }
}

async function runExplain(words: readonly string[], env: Environment, print: Print): Promise<number> {
  const [username, nas] = words.filter((one) => !one.startsWith('--'));
  if (username === undefined || nas === undefined) {
    print('gatehouse radius explain <user> <address of the device> [--groups=a,b]\n');
    return exitCode.configuration;
  }
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

async function runDoctor(argv: readonly string[], env: Environment, print: Print): Promise<number> {
  const { config } = loadConfig(radiusConfig, { env, argv });
  const policy = createPolicy(config.radius.policy_file, settingsOf(config.radius), { info: () => undefined });
  await using core = inspectCore(config);
  const findings = await doctor({ config, core, policy, nowMs: Date.now() });
  for (const { level, what } of findings) print(`${level.padEnd(4)}  ${what}\n`);
  return findings.some(({ level }) => level === 'fail') ? 1 : exitCode.success;
}
