// The stored files of this installation as the other rooms see them (files.md §2.3, §7.6): managers per usage, URLs of
// field values, and what uploads may be. Called by the files API and by every model that shows a file.
import type { Clock } from '@gatehouse/daemon/async';
import type { Secret } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import {
  awsCredentials,
  openStorage,
  type StorageManager,
  type StorageSettings,
  type ThemedUrls,
  type Usage,
} from '@gatehouse/storage';

/** The one tenant of an installation: the default schema of its database. */
export const tenant = 'public';

export interface CoreFiles {
  readonly media: StorageManager;
  readonly reports: StorageManager;
  /** Largest upload in bytes. */
  readonly maxBytes: number;
  /** Empty for an empty value, and for one whose store cannot be asked: an icon never spoils an answer (files.md §12). */
  url(value: unknown, origin?: string): Promise<string>;
  /** `null` for a value without the theme placeholder. */
  themedUrls(value: unknown, origin?: string): Promise<ThemedUrls | null>;
}

export interface CoreFilesOptions {
  /** The settings as they are at this moment: credentials behind `file://` may change (files.md §5.2). */
  readonly settings: () => StorageSettings;
  readonly secretKey: Secret;
  readonly webPath: string;
  /** Packaged images as `/static/…` values. */
  readonly assets: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
}

const silentForMs = 60_000;

/** @throws GatewayError `ERR_STORAGE_CONFIG` for settings that leave a usage without a store */
export function createCoreFiles(options: CoreFilesOptions): CoreFiles {
  const { clock, log } = options;
  const managers = openStorage({
    ...options,
    secretKey: options.secretKey.reveal(),
    lookupCredentials: (profile) => awsCredentials(options.env, profile),
  });
  let silentUntilMs = 0;
  const complain = (value: string, error: unknown) => {
    const now = clock.now();
    if (now < silentUntilMs) return;
    silentUntilMs = now + silentForMs;
    log.warn('file has no URL', { name: value, error: error instanceof Error ? error.message : String(error) });
  };
  const context = (origin: string | undefined) => {
    return { tenant, nowMs: clock.now(), ...(origin === undefined ? {} : { origin }) };
  };
  return {
    ...managers,
    maxBytes: options.settings().media.max_bytes,
    async url(value, origin) {
      const text = textOf(value);
      try {
        return await managers.media.url(text, context(origin));
      } catch (error) {
        complain(text, error);
        return '';
      }
    },
    async themedUrls(value, origin) {
      const text = textOf(value);
      try {
        return (await managers.media.themedUrls(text, context(origin))) ?? null;
      } catch (error) {
        complain(text, error);
        return { light: '', dark: '' };
      }
    },
  };
}

/** The capabilities of this deployment that depend on where files are kept (files.md §8.5). */
export async function fileCapabilities(files: CoreFiles): Promise<string[]> {
  const can = async (usage: Usage) => (await files[usage].manageable()).manageable;
  const [media, reports] = await Promise.all([can('media'), can('reports')]);
  return [...(media ? ['can_save_media'] : []), ...(reports ? ['can_save_reports'] : [])];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
