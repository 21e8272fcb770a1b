// The commands of `gatehouse`; the one file that imports commander. Called by main.ts with the process's own argv, env
// and output, by tests with theirs.
import { readFileSync } from 'node:fs';
import type { Terminal as CommandTerminal } from '@gatehouse/daemon/commands';
import { exitCode } from '@gatehouse/daemon/lifecycle';
import { Command, CommanderError } from 'commander';
import { coreShortcuts } from './commands/core.ts';
import { runDaemonCommand } from './commands/daemon.ts';
import { probeHealth } from './commands/healthcheck.ts';
import { status } from './commands/status.ts';
import { up } from './commands/up.ts';
import { daemonNames, daemons } from './daemons.ts';
import { formatError } from './errors.ts';

/** What the process has besides what every command is given. */
export interface Terminal extends CommandTerminal {
  /** File that the process runs. */
  readonly script: string;
  readonly colour: boolean;
  /** Columns of the terminal; absent for a pipe. */
  readonly width?: number | undefined;
  /** Resolves when the process shall end. */
  readonly stopped: () => Promise<unknown>;
}

/**
 * Runs one command line.
 * @param argv without node and script
 * @returns exit code of core-contract §1.10: 1 for usage and settings
 */
export async function runGatehouse(argv: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = exitCode.success;
  const program = createProgram(terminal, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    terminal.complain(formatError(error));
    return exitCode.configuration;
  }
}

function createProgram(terminal: Terminal, end: (code: number) => void): Command {
  const { env, print, complain } = terminal;
  const program = new Command('gatehouse')
    .description('LDAP, RADIUS and HTTP gateways in front of one identity core.')
    .version(readVersion(), '-v, --version', 'print the version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: complain });
  for (const name of daemonNames) {
    program
      .command(name)
      .description(daemons[name].summary)
      .argument('[arguments...]')
      .helpOption(false) // its help lists commands that are loaded with it
      .allowUnknownOption()
      .passThroughOptions()
      .action(async (words: readonly string[]) => end(await runDaemonCommand(name, words, terminal)));
  }
  for (const [name, summary] of Object.entries(coreShortcuts))
    program
      .command(name)
      .description(summary)
      .argument('[arguments...]')
      .allowUnknownOption()
      .passThroughOptions()
      .action(async (words: readonly string[]) => end(await runDaemonCommand('core', [name, ...words], terminal)));
  program
    .command('up')
    .description(
      'Run everything on this machine: front door with proxy, core, LDAP and RADIUS, seeded to try things with.',
    )
    .option('--data-dir <folder>', 'where everything is kept', env['AUTHENTIK_DATA_DIR'] ?? './data')
    .action(async ({ dataDir }: { dataDir: string }) =>
      end(await up({ ...terminal, dataDir, stopped: terminal.stopped() })),
    );
  program
    .command('status')
    .description('Show every process of this installation: state, channel, sessions, rates, memory, last error.')
    .option('--data-dir <folder>', 'of the running "gatehouse up"', env['AUTHENTIK_DATA_DIR'] ?? './data')
    .option('--process <name=address:port...>', 'metrics addresses of daemons started one by one')
    .option('--once', 'print one table and end', false)
    .option('--json', 'print one look as JSON and end', false)
    .action(async (given: { dataDir: string; process?: string[]; once: boolean; json: boolean }) =>
      end(
        await status({
          ...terminal,
          ...given,
          process: given.process ?? [],
          live: terminal.width !== undefined,
          width: terminal.width ?? 500,
          stopped: terminal.stopped(),
        }),
      ),
    );
  const files = program.command('files').description('Stored files.');
  files
    .command('migrate')
    .description('Turn values of the time of /media/ into names of files; what has none is told.')
    .option('--dry-run', 'say what would be changed', false)
    .action(async ({ dryRun }: { dryRun: boolean }) =>
      end(await runDaemonCommand('core', ['files', 'migrate', ...(dryRun ? ['--dry-run'] : [])], terminal)),
    );
  files
    .command('copy')
    .description('Copy stored files from one store to the other, verified; nothing is deleted.')
    .requiredOption('--from <store>', 'file or s3')
    .requiredOption('--to <store>', 'file or s3')
    .option('--usage <usage>', 'media or reports', 'media')
    .option('--tenant <schema>', 'schema of the tenant', 'public')
    .option('--dry-run', 'say what would be copied', false)
    .action(async (given: { from: string; to: string; usage: string; tenant: string; dryRun: boolean }) => {
      // Loaded here: no other command reads stored files.
      const { filesCopy } = await import('./commands/files-copy.ts');
      end(await filesCopy({ ...terminal, ...given, live: terminal.width !== undefined, stopped: terminal.stopped() }));
    });
  files
    .command('upload-url')
    .description('Print an address that takes one file by PUT (curl -T file <address>), unchecked; S3 only.')
    .argument('<name>')
    .option('--usage <usage>', 'media or reports', 'media')
    .option('--tenant <schema>', 'schema of the tenant', 'public')
    .action(async (name: string, given: { usage: string; tenant: string }) => {
      const { filesUploadUrl } = await import('./commands/files-upload-url.ts');
      end(await filesUploadUrl({ ...terminal, ...given, name }));
    });
  program
    .command('healthcheck')
    .description('Probe the instance of this machine; exit code 0 when it answers.')
    .action(async () => end(await probeHealth(env)));
  return program;
}

function readVersion(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return manifest.version;
}
