// `gatehouse files copy`: brings the stored files of a usage from one store to the other, each read back and compared, before
// somebody changes storage.backend (files.md §15.2 "Backend switch"). Nothing is deleted or replaced; it can be run again.
import { defineConfig, loadConfig } from '@gatehouse/daemon/config';
import {
  awsCredentials,
  type CopyReport,
  copyFiles,
  isUsage,
  openBackend,
  storageOptions,
  type Usage,
} from '@gatehouse/storage';
import type { Environment } from '../daemons.ts';
import { cliError } from '../errors.ts';
import { installedEnvironment } from '../up/installed.ts';

export interface FilesCopyOptions {
  readonly from: string;
  readonly to: string;
  readonly usage: string;
  readonly tenant: string;
  readonly dryRun: boolean;
  readonly env: Environment;
  /** Whether progress may be written over itself. */
  readonly live: boolean;
  readonly print: (text: string) => void;
  readonly stopped: Promise<unknown>;
}

/** @returns exit code: 0 when every file is in the target, 1 otherwise */
export async function filesCopy(options: FilesCopyOptions): Promise<number> {
  const { usage, tenant, dryRun, print, live } = options;
  const env = await installedEnvironment(options.env);
  const { storage } = loadConfig(defineConfig({ storage: storageOptions }), { env }).config;
  const open = (kind: string) =>
    openBackend(
      {
        settings: () => storage,
        secretKey: '', // copying signs no URLs
        webPath: '/',
        assets: [],
        lookupCredentials: (profile) => awsCredentials(env, profile),
      },
      checkedUsage(usage),
      checkedKind(kind),
    );
  const [from, to] = [open(options.from), open(options.to)];
  if (options.from === options.to) throw usageError(`--from and --to are both ${options.from}.`);
  const stop = new AbortController();
  void options.stopped.then(() => stop.abort(new Error('stopped; run it again to go on')));
  const onProgress = live ? (report: CopyReport) => print(`\r${progressOf(report)}`) : () => undefined;
  const report = await copyFiles({ from, to, tenant, dryRun, signal: stop.signal, onProgress });
  print(`${live ? '\r' : ''}${dryRun ? 'would be ' : ''}${progressOf(report)}\n`);
  for (const { name, kind, detail } of report.problems) print(`  ${name}: ${kind}, ${detail}\n`);
  return report.problems.length === 0 ? 0 : 1;
}

function progressOf({ copied, same, bytes, problems }: CopyReport): string {
  const megabytes = (bytes / 1_048_576).toFixed(1);
  return `copied ${copied} (${megabytes} MB), there already ${same}, problems ${problems.length}`;
}

function checkedUsage(usage: string): Usage {
  if (isUsage(usage)) return usage;
  throw usageError(`There is no usage "${usage}".`);
}

function checkedKind(kind: string): 'file' | 's3' {
  if (kind === 'file' || kind === 's3') return kind;
  throw usageError(`There is no store "${kind}".`);
}

function usageError(what: string) {
  return cliError('ERR_CLI_USAGE', what, 'Write: gatehouse files copy --from file --to s3 [--usage media] [--dry-run]');
}
