// Signed requests to an S3 service: the one file that imports aws4fetch. Deadlines, few retries, and errors as the closed
// set of the storage.
import { AwsClient } from 'aws4fetch';
import { storageError } from '../errors.ts';
import { bucketUrl, escapeKey, type S3Credentials, type S3Options } from './s3-config.ts';
import { presignV2, signV2 } from './s3-signature-v2.ts';

const requestTimeoutMs = 30_000;
const retries = 2;

export interface S3Request {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Not copied: stays as it is until the answer is there. */
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Statuses that are answers; every other one is thrown. */
  readonly accept: readonly number[];
  readonly signal?: AbortSignal;
}

export interface S3Client {
  readonly options: S3Options;
  /** @throws GatewayError `ERR_STORAGE_FORBIDDEN`, `ERR_STORAGE_UNAVAILABLE`, `ERR_STORAGE_EXISTS` (412) */
  send(method: string, key: string, request: S3Request): Promise<Response>;
  /** No network call. `startMs` is the signing date, `key` what the URL is for. */
  presign(url: string, signed: Presigned): Promise<string>;
}

export interface Presigned {
  readonly method: 'GET' | 'PUT';
  readonly key: string;
  readonly startMs: number;
  readonly expiresS: number;
}

export function createS3Client(options: S3Options): S3Client {
  const base = bucketUrl(options);
  const clientFor = rememberClient(options);
  return {
    options,
    async send(method, key, request) {
      const url = new URL(base + escapeKey(key));
      for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
      const late = new AbortController();
      const init = {
        method,
        headers: { ...request.headers },
        signal: request.signal === undefined ? late.signal : AbortSignal.any([late.signal, request.signal]),
        ...(request.body === undefined ? {} : { body: request.body }),
      };
      const asked =
        options.signatureVersion === 's3'
          ? fetch(url, {
              ...init,
              headers: signV2(legacyCall(options, method, key, request), options.credentials(), Date.now()),
            })
          : clientFor().fetch(url.href, init);
      const inTime = headInTime(asked, late, options.timeoutMs ?? requestTimeoutMs);
      const answer = await inTime.catch((cause: unknown) => Promise.reject(unreachable(url, cause)));
      if (request.accept.includes(answer.status)) return answer;
      throw await refusal(method, key, answer);
    },
    async presign(target, { method, key, startMs, expiresS }) {
      if (options.signatureVersion === 's3') {
        const expiresAtS = Math.floor(startMs / 1000) + expiresS;
        return presignV2(target, { method, bucket: options.bucket, key }, options.credentials(), expiresAtS);
      }
      const url = new URL(target);
      url.searchParams.set('X-Amz-Expires', String(expiresS));
      const datetime = `${new Date(startMs).toISOString().replace(/[:-]|\.\d{3}/g, '')}`;
      return (await clientFor().sign(url.href, { method, aws: { signQuery: true, datetime } })).url;
    },
  };
}

/**
 * The head of the answer, or a refusal at the deadline: a large body takes as long as it takes, and undici ends one that stands
 * still. Not by the signal alone: a garbage collection between call and deadline cuts the weak line by which undici's Request
 * follows it, and the call would wait for minutes.
 */
function headInTime(asked: Promise<Response>, late: AbortController, timeoutMs: number): Promise<Response> {
  return new Promise((resolve, reject) => {
    const impatience = setTimeout(() => {
      const reason = new Error(`no answer in ${timeoutMs} ms`);
      reject(reason);
      late.abort(reason);
    }, timeoutMs);
    asked.then(resolve, reject).finally(() => clearTimeout(impatience));
  });
}

function legacyCall({ bucket }: S3Options, method: string, key: string, { query = {}, headers = {} }: S3Request) {
  return { method, bucket, key, query, headers };
}

/** Keeps the client while the credentials stay the same (F42: rotated keys take effect with the next request). */
function rememberClient(options: S3Options): () => AwsClient {
  let known: { readonly credentials: S3Credentials; readonly client: AwsClient } | undefined;
  return () => {
    const credentials = options.credentials();
    if (known === undefined || !sameCredentials(known.credentials, credentials)) {
      const client = new AwsClient({
        accessKeyId: credentials.accessKey.reveal(),
        secretAccessKey: credentials.secretKey.reveal(),
        ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken.reveal() }),
        service: 's3',
        region: options.region,
        retries,
      });
      known = { credentials, client };
    }
    return known.client;
  };
}

function sameCredentials(one: S3Credentials, other: S3Credentials): boolean {
  const tokens =
    one.sessionToken === undefined
      ? other.sessionToken === undefined
      : other.sessionToken !== undefined && one.sessionToken.equals(other.sessionToken);
  return tokens && one.accessKey.equals(other.accessKey) && one.secretKey.equals(other.secretKey);
}

async function refusal(method: string, key: string, answer: Response): Promise<Error> {
  const text = (await answer.text()).slice(0, 2000);
  const reason = /<Code>([^<]{1,80})<\/Code>/.exec(text)?.[1] ?? `status ${answer.status}`;
  const what = `The S3 service answered ${method} ${key} with ${reason}.`;
  if (answer.status === 412 || answer.status === 409) {
    return storageError('ERR_STORAGE_EXISTS', what, 'Choose another name.');
  }
  if (answer.status === 401 || answer.status === 403) {
    return storageError('ERR_STORAGE_FORBIDDEN', what, 'Check access_key, secret_key and the bucket policy.');
  }
  return storageError('ERR_STORAGE_UNAVAILABLE', what, 'Check bucket_name, region and endpoint, then try again.');
}

function unreachable(url: URL, cause: unknown): Error {
  const what = `The S3 service at ${url.origin} did not answer.`;
  return storageError('ERR_STORAGE_UNAVAILABLE', what, 'Check endpoint and network, then try again.', cause);
}
