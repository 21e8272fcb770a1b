// Settings of stored files (files.md §11, §5.2): one definition for the core, which signs URLs, and the router, which
// serves them, so that the two cannot disagree. A usage's own setting wins over the general one, key by key.
import {
  boolean,
  type ConfigOf,
  choice,
  defineConfig,
  duration,
  integer,
  secret,
  text,
} from '@gatehouse/daemon/config';
import type { S3Credentials, S3Options } from './backends/s3-config.ts';
import { storageError } from './errors.ts';
import type { Usage } from './usages.ts';

const backends = ['file', 's3'] as const;

const s3 = {
  region: text({ doc: 'Region of the S3 service.' }),
  endpoint: text({ doc: 'URL of the S3 service; wins over region and use_ssl.' }),
  use_ssl: boolean({ doc: 'Speak TLS to the service when no endpoint is set; true by default.' }),
  addressing_style: choice(['auto', 'path', 'virtual'], { doc: 'Bucket in the path or in the host name.' }),
  session_profile: text({ doc: 'Profile of ~/.aws/credentials; the keys below are then ignored.' }),
  access_key: secret({ doc: 'Access key; unset: AWS_ACCESS_KEY_ID of the environment.' }),
  secret_key: secret({ doc: 'Secret key; unset: AWS_SECRET_ACCESS_KEY of the environment.' }),
  session_token: secret({ doc: 'Token of temporary credentials.' }),
  security_token: secret({ doc: 'Older name of session_token.' }),
  bucket_name: text({ doc: 'Bucket; required for the s3 backend.' }),
  custom_domain: text({ doc: 'host[:port][/bucket] in URLs given to browsers.' }),
  custom_domain_mode: choice(['sign', 'rewrite'], {
    doc: 'Sign for the custom domain, or put it in front; sign by default.',
  }),
  secure_urls: boolean({ doc: 'https in URLs with a custom domain; true by default.' }),
  signature_version: choice(['s3v4', 's3'], {
    doc: 's3 for services that know the older signature only; s3v4 by default.',
  }),
  url_expiry: duration({ doc: 'Life of presigned URLs; minutes=15 by default.' }),
  acl: text({ doc: 'Canned ACL sent on writes; unset sends none.' }),
} as const;

const ofUsage = {
  backend: choice(backends, { doc: 'Where files of this usage are kept; unset: storage.backend.' }),
  file: {
    path: text({ default: '', doc: 'Folder of this usage; empty: storage.file.path.' }),
    url_expiry: duration({ doc: 'Life of signed URLs of this usage; unset: storage.file.url_expiry.' }),
  },
  s3,
} as const;

/** The section `storage` of a daemon's settings. */
export const storageOptions = defineConfig({
  backend: choice(backends, { default: 'file', doc: 'Where files of all usages are kept.' }),
  file: {
    path: text({ default: './data', doc: 'Folder of stored files.' }),
    url_expiry: duration({ default: 900_000, doc: 'Life of signed URLs.' }),
    require_mount: boolean({ default: false, doc: 'Refuse uploads unless the folder is a mount point.' }),
  },
  s3,
  media: {
    ...ofUsage,
    max_bytes: integer({ default: 26_214_400, min: 1, unit: 'bytes', doc: 'Largest upload.' }),
    allow_any_type: boolean({ default: false, doc: 'Accept files that are no images or fonts.' }),
  },
  reports: ofUsage,
});

export type StorageSettings = ConfigOf<typeof storageOptions>;

/** Which backend holds the files of a usage (files.md §1.3). */
export function backendOf(settings: StorageSettings, usage: Usage): (typeof backends)[number] {
  return settings[usage].backend ?? settings.backend;
}

/** Folder below which `<usage>/<tenant>/<name>` is. */
export function folderOf(settings: StorageSettings, usage: Usage): string {
  return settings[usage].file.path || settings.file.path;
}

export function urlLifeOf(settings: StorageSettings, usage: Usage): number {
  return settings[usage].file.url_expiry ?? settings.file.url_expiry;
}

/**
 * What the S3 backend of a usage needs.
 * @param read the settings as they are now: secrets behind `file://` are read again on each use (files.md §5.2)
 * @param lookup environment and profile, for credentials that the settings do not name
 * @throws GatewayError `ERR_STORAGE_CONFIG` without a bucket
 */
export function s3OptionsOf(
  read: () => StorageSettings,
  usage: Usage,
  lookup: (profile: string | undefined) => S3Credentials | undefined,
): S3Options {
  const at = <K extends keyof typeof s3>(name: K) => pick(read(), usage, name);
  const bucket = at('bucket_name') ?? '';
  if (bucket === '') {
    throw storageError(
      'ERR_STORAGE_CONFIG',
      `storage.s3.bucket_name is missing, and storage.${usage} is kept on s3.`,
      'Set AUTHENTIK_STORAGE__S3__BUCKET_NAME.',
    );
  }
  const [endpoint, customDomain, acl] = [at('endpoint'), at('custom_domain'), at('acl')];
  return {
    bucket,
    region: at('region') ?? 'us-east-1',
    ...(endpoint === undefined ? {} : { endpoint }),
    useSsl: at('use_ssl') ?? true,
    addressingStyle: at('addressing_style') ?? 'auto',
    ...(customDomain === undefined ? {} : { customDomain }),
    customDomainMode: at('custom_domain_mode') ?? 'sign',
    secureUrls: at('secure_urls') ?? true,
    signatureVersion: at('signature_version') ?? 's3v4',
    urlLifeMs: at('url_expiry') ?? 900_000,
    ...(acl === undefined ? {} : { acl }),
    credentials() {
      const profile = at('session_profile');
      const [accessKey, secretKey] = [at('access_key'), at('secret_key')];
      if (profile === undefined && accessKey !== undefined && secretKey !== undefined) {
        const sessionToken = at('session_token') ?? at('security_token');
        return { accessKey, secretKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
      }
      const found = lookup(profile);
      if (found !== undefined) return found;
      const hint =
        'Set storage.s3.access_key and storage.s3.secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.';
      throw storageError('ERR_STORAGE_CONFIG', 'There are no credentials for the S3 service.', hint);
    },
  };
}

/** The usage's own value, else the general one; an empty text is no value. */
function pick<K extends keyof typeof s3>(settings: StorageSettings, usage: Usage, name: K) {
  const own = settings[usage].s3[name];
  const value = own === undefined || own === '' ? settings.s3[name] : own;
  return value === '' ? undefined : value;
}
