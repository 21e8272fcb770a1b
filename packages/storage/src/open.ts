// The managers of an installation, one per usage, from its settings (files.md §1.2, §1.3). Called by the core, and by the
// command for copying.
import type { ManageableBackend } from './backend.ts';
import { createFileBackend } from './backends/file.ts';
import { createPassthroughBackend } from './backends/passthrough.ts';
import { createS3Backend } from './backends/s3.ts';
import type { S3Credentials } from './backends/s3-config.ts';
import { createStaticBackend } from './backends/static.ts';
import { createStorageManager, type StorageManager } from './manager.ts';
import { backendOf, folderOf, type StorageSettings, s3OptionsOf, urlLifeOf } from './settings.ts';
import { signingKey } from './signed-url.ts';
import { type Usage, usages } from './usages.ts';

export interface OpenStorageOptions {
  /** The settings of this moment; asked again where a secret may have changed. */
  readonly settings: () => StorageSettings;
  readonly secretKey: string;
  /** URL prefix of the installation. */
  readonly webPath: string;
  /** Packaged images that can be chosen, as `/static/…` values. */
  readonly assets: readonly string[];
  readonly lookupCredentials: (profile: string | undefined) => S3Credentials | undefined;
}

/** @throws GatewayError `ERR_STORAGE_CONFIG` for settings that leave a usage without a store */
export function openStorage(options: OpenStorageOptions): Readonly<Record<Usage, StorageManager>> {
  const manager = (usage: Usage) => {
    const forPeople = usages[usage].api;
    const readOnly = forPeople
      ? [createStaticBackend({ webPath: options.webPath, assets: options.assets }), createPassthroughBackend()]
      : [];
    return createStorageManager({
      usage,
      readOnly,
      management: openBackend(options, usage, backendOf(options.settings(), usage)),
      checkContent: forPeople,
      allowAnyType: options.settings().media.allow_any_type,
    });
  };
  return { media: manager('media'), reports: manager('reports') };
}

/** One writable backend of a usage, whichever the settings choose for it. */
export function openBackend(options: OpenStorageOptions, usage: Usage, kind: 'file' | 's3'): ManageableBackend {
  const settings = options.settings();
  if (kind === 's3') {
    return createS3Backend({ ...s3OptionsOf(options.settings, usage, options.lookupCredentials), usage });
  }
  return createFileBackend({
    basePath: folderOf(settings, usage),
    usage,
    webPath: options.webPath,
    signingKey: signingKey(options.secretKey, usage),
    urlLifeMs: urlLifeOf(settings, usage),
    requireMount: settings.file.require_mount,
  });
}
