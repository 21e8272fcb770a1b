// Verifies Signature Version 2 from a request as received, written from its published description: the other half of the
// test server.
import { createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface LegacyKeys {
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Whether the request is signed the old way at all. */
export function isLegacy(request: IncomingMessage, url: URL): boolean {
  return request.headers.authorization?.startsWith('AWS ') === true || url.searchParams.has('AWSAccessKeyId');
}

/** `undefined` when the signature holds. */
export function legacyProblem(
  keys: LegacyKeys,
  request: IncomingMessage,
  url: URL,
  rawKey: string,
): string | undefined {
  const { headers } = request;
  const query = url.searchParams;
  const inQuery = query.get('AWSAccessKeyId');
  const expires = query.get('Expires') ?? '';
  const [given, signature] = inQuery === null ? split(headers.authorization ?? '') : [inQuery, query.get('Signature')];
  if (given !== keys.accessKey) return 'InvalidAccessKeyId';
  if (inQuery !== null && Number(expires) * 1000 < Date.now()) return 'ExpiredToken';
  const lines = [
    request.method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    inQuery === null ? (headers['x-amz-date'] === undefined ? (headers.date ?? '') : '') : expires,
  ];
  const amz = Object.keys(headers)
    .filter((name) => name.startsWith('x-amz-'))
    .sort()
    .map((name) => `${name}:${String(headers[name])}`);
  const named = ['partNumber', 'uploadId', 'uploads']
    .filter((name) => query.has(name))
    .map((name) => (query.get(name) === '' ? name : `${name}=${query.get(name)}`));
  const resource = `/${keys.bucket}/${rawKey}${named.length === 0 ? '' : `?${named.join('&')}`}`;
  const text = [...lines, ...amz, resource].join('\n');
  const expected = createHmac('sha1', keys.secretKey).update(text).digest('base64');
  return expected === signature ? undefined : 'SignatureDoesNotMatch';
}

function split(authorization: string): [string, string] {
  const [key = '', signature = ''] = authorization.replace(/^AWS /, '').split(':');
  return [key, signature];
}
