// `gatehouse <daemon>`: runs it, or does what the word after its name says.
import type { Commands, Terminal } from '@gatehouse/daemon/commands';
import { configReference, explainConfig, loadConfig } from '@gatehouse/daemon/config';
import { exitCode } from '@gatehouse/daemon/lifecycle';
import { type DaemonName, daemons, loadCommands, loadDaemon, loadHealthcheck, loadSettings } from '../daemons.ts';
import { cliError } from '../errors.ts';
import { installedEnvironment } from '../up/installed.ts';
import { probeHealth } from './healthcheck.ts';

/**
 * @param argv what follows the daemon's name: flags `--listen.ldap=…` to run it, or one of its commands
 * @returns exit code
 * @throws GatewayError `ERR_CLI_USAGE`, and whatever a command throws
 */
export async function runDaemonCommand(name: DaemonName, argv: readonly string[], terminal: Terminal): Promise<number> {
  const [word, ...rest] = argv;
  if (word === '--help' || word === '-h') {
    terminal.print(await daemonHelp(name));
    return exitCode.success;
  }
  if (word === undefined || word.startsWith('-')) return (await loadDaemon(name))(argv, terminal.env);
  const commands = await commandsOf(name);
  const command = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (command === undefined)
    throw cliError('ERR_CLI_USAGE', `gatehouse ${name} knows no "${word}".`, `See: gatehouse ${name} --help`);
  const env = name === 'core' ? await installedEnvironment(terminal.env) : terminal.env;
  const code = await command.run(rest, { ...terminal, env });
  if (code !== 'usage') return code;
  terminal.complain(`Usage: gatehouse ${name} ${word} ${command.usage}\n`);
  return exitCode.configuration;
}

/** The daemon's own, and what every daemon can. */
async function commandsOf(name: DaemonName): Promise<Commands> {
  return { ...(await loadCommands(name)), ...settingsCommands(name) };
}

function settingsCommands(name: DaemonName): Commands {
  return {
    config: {
      usage: 'explain | reference [env]',
      summary: 'settings with their values and sources; or all that exist, with type, default and meaning',
      run: ([what, ...rest], terminal) => runConfig(name, what, rest, terminal),
    },
    healthcheck: {
      usage: '',
      summary: 'probe the running instance; exit code 0 when it answers',
      run: async (_words, { env }) => (await loadHealthcheck(name))?.([], env) ?? probeHealth(env),
    },
  };
}

async function runConfig(
  name: DaemonName,
  what: string | undefined,
  argv: readonly string[],
  { env, print }: Terminal,
): Promise<number | 'usage'> {
  if (what !== 'explain' && what !== 'reference') return 'usage';
  const settings = await loadSettings(name);
  const format = argv[0]?.replace('--format=', '') === 'env' ? 'env' : 'markdown';
  const text =
    what === 'explain'
      ? explainConfig(settings, loadConfig(settings, { env, argv }))
      : configReference(settings, format);
  print(`${text}\n`);
  return exitCode.success;
}

async function daemonHelp(name: DaemonName): Promise<string> {
  const lines = [
    `gatehouse ${name} [--<setting>=<value>…]`,
    `    run it; settings come from files, environment and flags`,
  ];
  for (const [word, { usage, summary }] of Object.entries(await commandsOf(name)))
    lines.push(`gatehouse ${name} ${word} ${usage}`.trimEnd(), `    ${summary}`);
  return `${daemons[name].summary}\n\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
