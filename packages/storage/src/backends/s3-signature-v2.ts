// Signature Version 2 of S3 (files.md §5.2 `signature_version=s3`), for services that never learned the newer one: HMAC-SHA1
// over method, type, date, amz fields and resource; in a header for calls, in the query for URLs.
import { createHmac } from 'node:crypto';
import { escapeKey, type S3Credentials } from './s3-config.ts';

export interface LegacyCall {
  readonly method: string;
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** Parts of the query that name another resource; the others are parameters. */
const subresources = new Set(['acl', 'delete', 'location', 'partNumber', 'policy', 'uploadId', 'uploads', 'versionId']);

/** The headers of the call with date and authorization added. */
export function signV2(call: LegacyCall, credentials: S3Credentials, nowMs: number): Record<string, string> {
  const headers: Record<string, string> = { ...call.headers, 'x-amz-date': new Date(nowMs).toUTCString() };
  if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken.reveal();
  // With x-amz-date the line of Date stays empty.
  const text = stringToSign(call, headers, '');
  return { ...headers, authorization: `AWS ${credentials.accessKey.reveal()}:${signature(credentials, text)}` };
}

/** @param url of the object as browsers will ask for it @param expiresAtS seconds since 1970 */
export function presignV2(
  url: string,
  { method, bucket, key }: Pick<LegacyCall, 'method' | 'bucket' | 'key'>,
  credentials: S3Credentials,
  expiresAtS: number,
): string {
  const signed = new URL(url);
  const headers: Record<string, string> = {};
  if (credentials.sessionToken !== undefined) {
    headers['x-amz-security-token'] = credentials.sessionToken.reveal();
    signed.searchParams.set('x-amz-security-token', credentials.sessionToken.reveal());
  }
  const text = stringToSign({ method, bucket, key, query: {}, headers: {} }, headers, String(expiresAtS));
  signed.searchParams.set('AWSAccessKeyId', credentials.accessKey.reveal());
  signed.searchParams.set('Expires', String(expiresAtS));
  signed.searchParams.set('Signature', signature(credentials, text));
  return signed.href;
}

function stringToSign(call: LegacyCall, headers: Readonly<Record<string, string>>, date: string): string {
  const amz = Object.entries(headers)
    .filter(([name]) => name.startsWith('x-amz-'))
    .map(([name, value]) => `${name}:${value.trim()}\n`)
    .sort();
  return (
    [call.method, headers['content-md5'] ?? '', headers['content-type'] ?? '', date, ''].join('\n') +
    amz.join('') +
    resource(call)
  );
}

function resource({ bucket, key, query }: LegacyCall): string {
  const named = Object.entries(query)
    .filter(([name]) => subresources.has(name))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .sort();
  return `/${bucket}/${escapeKey(key)}${named.length === 0 ? '' : `?${named.join('&')}`}`;
}

function signature({ secretKey }: S3Credentials, text: string): string {
  return createHmac('sha1', secretKey.reveal()).update(text, 'utf8').digest('base64');
}
