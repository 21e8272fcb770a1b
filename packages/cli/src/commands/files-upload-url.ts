// `gatehouse files upload-url`: an address by which somebody without keys may put one file into the S3 store, by curl for
// instance, where it is too large for the page or lies on another machine.
import { defineConfig, loadConfig } from '@gatehouse/daemon/config';
import {
  awsCredentials,
  backendOf,
  createS3Backend,
  isUsage,
  parseFileName,
  s3OptionsOf,
  storageOptions,
} from '@gatehouse/storage';
import type { Environment } from '../daemons.ts';
import { cliError } from '../errors.ts';
import { installedEnvironment } from '../up/installed.ts';

export interface FilesUploadUrlOptions {
  readonly name: string;
  readonly usage: string;
  readonly tenant: string;
  readonly env: Environment;
  readonly print: (text: string) => void;
}

/** @returns exit code @throws GatewayError `ERR_CLI_USAGE`, `ERR_STORAGE_INVALID_NAME`, `ERR_STORAGE_CONFIG` */
export async function filesUploadUrl({ name, usage, tenant, env, print }: FilesUploadUrlOptions): Promise<number> {
  const own = await installedEnvironment(env);
  const { storage } = loadConfig(defineConfig({ storage: storageOptions }), { env: own }).config;
  if (!isUsage(usage)) throw usageError(`There is no usage "${usage}".`);
  if (backendOf(storage, usage) !== 's3') throw usageError(`Files of ${usage} are kept in a folder, not in S3.`);
  const s3 = s3OptionsOf(
    () => storage,
    usage,
    (profile) => awsCredentials(own, profile),
  );
  const url = await createS3Backend({ ...s3, usage }).uploadUrl(parseFileName(name), { tenant, nowMs: Date.now() });
  print(`${url}\n`);
  return 0;
}

function usageError(what: string) {
  return cliError('ERR_CLI_USAGE', what, 'Write: gatehouse files upload-url <name> [--usage media]');
}
