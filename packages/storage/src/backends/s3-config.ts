// What an S3 store needs to know (files.md §5.2), and the URL of an object in it.
import type { Secret } from '@gatehouse/daemon/config';

export interface S3Credentials {
  readonly accessKey: Secret;
  readonly secretKey: Secret;
  readonly sessionToken?: Secret;
}

export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** Full URL of the service; wins over the region for addressing. */
  readonly endpoint?: string;
  readonly useSsl: boolean;
  readonly addressingStyle: 'auto' | 'path' | 'virtual';
  /** `host[:port][/path]` for URLs given to browsers. */
  readonly customDomain?: string;
  readonly secureUrls: boolean;
  /** How a custom domain is honoured: signed for that host, or put in front of a URL signed for the service. */
  readonly customDomainMode: 'sign' | 'rewrite';
  /** `s3` is the older one, for services that know no other. */
  readonly signatureVersion: 's3v4' | 's3';
  readonly urlLifeMs: number;
  /** Longest a call may take with its repetitions; 30 s by default. */
  readonly timeoutMs?: number;
  /** Canned ACL sent on writes; unset sends none, since many buckets refuse the header. */
  readonly acl?: string;
  /** Read on each use, so that rotated credentials are picked up. */
  readonly credentials: () => S3Credentials;
}

/** Base URL of the bucket as the service knows it, with a trailing slash. */
export function bucketUrl(options: S3Options): string {
  const scheme = options.useSsl ? 'https' : 'http';
  const endpoint = new URL(options.endpoint ?? `${scheme}://s3.${options.region}.amazonaws.com`);
  const base = `${endpoint.pathname.replace(/\/$/, '')}/`;
  if (isVirtual(options)) return `${endpoint.protocol}//${options.bucket}.${endpoint.host}${base}`;
  return `${endpoint.protocol}//${endpoint.host}${base}${options.bucket}/`;
}

/** Base URL that browsers get, and whether the signature is made for it or for the service's own host. */
export function publicUrl(options: S3Options): { readonly base: string; readonly rewrite: boolean } {
  if (options.customDomain === undefined) return { base: bucketUrl(options), rewrite: false };
  const domain = options.customDomain.replace(/\/+$/, '');
  const path = domain.includes('/') ? domain.slice(domain.indexOf('/') + 1) : '';
  const base = `${options.secureUrls ? 'https' : 'http'}://${domain}/`;
  const signable = path === '' || path === options.bucket;
  return { base, rewrite: options.customDomainMode === 'rewrite' || !signable };
}

/** Percent-encodes each segment of a key, slashes kept. */
export function escapeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}

function isVirtual(options: S3Options): boolean {
  if (options.addressingStyle === 'auto') return options.endpoint === undefined && !options.bucket.includes('.');
  return options.addressingStyle === 'virtual';
}
