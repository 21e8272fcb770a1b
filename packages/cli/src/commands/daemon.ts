// `gatehouse <daemon>`: runs it, probes it, or prints its settings. Everything after the name is the daemon's own.
import { configReference, explainConfig, loadConfig } from '@gatehouse/daemon/config';
import { type DaemonName, loadDaemon, loadHealthcheck, loadSettings } from '../daemons.ts';
import { type CoreTerminal, runCoreCommand } from './core.ts';
import { probeHealth } from './healthcheck.ts';

/**
 * @param argv what follows the daemon's name: flags `--listen.ldap=…`, or `healthcheck`, or `config explain`, or
 *   `config reference [markdown|env]`
 * @returns exit code
 */
export async function runDaemonCommand(
  name: DaemonName,
  argv: readonly string[],
  terminal: CoreTerminal,
): Promise<number> {
  const { env, print } = terminal;
  const [first, second, ...rest] = argv;
  if (name === 'core' && (first === 'mail' || first === 'export'))
    return runCoreCommand(first, argv.slice(1), terminal);
  if (first === 'healthcheck') return (await loadHealthcheck(name))?.([], env) ?? probeHealth(env);
  if (first === 'config' && second === 'explain') {
    const settings = await loadSettings(name);
    print(`${explainConfig(settings, loadConfig(settings, { env, argv: rest }))}\n`);
    return 0;
  }
  if (first === 'config' && second === 'reference') {
    const format = rest[0]?.replace('--format=', '') === 'env' ? 'env' : 'markdown';
    print(`${configReference(await loadSettings(name), format)}\n`);
    return 0;
  }
  const run = await loadDaemon(name);
  return run(argv, env);
}
