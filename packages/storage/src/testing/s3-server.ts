// An S3 service for tests that really verifies Signature Version 4 (headers and query), so that a wrong key, host, path or
// date fails. Path-style and virtual-host, multipart, conditional writes, listing with continuation. Own code, written
// from the published description of the signature, so that it can disagree with the client's.
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLegacy, legacyProblem } from './s3-legacy-signature.ts';

export interface StoredObject {
  readonly body: Buffer;
  readonly contentType: string;
}

export interface S3TestServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly objects: Map<string, StoredObject>;
  readonly pendingUploads: ReadonlyMap<string, unknown>;
  /** Answers the next requests whose method and key match with this status instead. */
  fail(method: string, keyPart: string, status: number, times?: number): void;
}

interface Settings {
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** Keys per listing page, small so that continuation is exercised. */
  readonly pageSize?: number;
}

interface State extends Settings {
  readonly objects: Map<string, StoredObject>;
  readonly uploads: Map<string, Map<number, Buffer>>;
  readonly faults: { method: string; keyPart: string; status: number; left: number }[];
}

export async function startS3Server(settings: Settings): Promise<S3TestServer> {
  const state: State = { ...settings, objects: new Map(), uploads: new Map(), faults: [] };
  const server: Server = createServer((request, response) => {
    answer(state, request, response).catch((error: unknown) => refuse(response, 500, String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    objects: state.objects,
    pendingUploads: state.uploads,
    fail: (method, keyPart, status, times = 1) => state.faults.push({ method, keyPart, status, left: times }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
  const virtual = url.hostname.startsWith(`${state.bucket}.`);
  const rawKey = virtual ? url.pathname.slice(1) : url.pathname.slice(state.bucket.length + 2);
  if (!virtual && url.pathname.split('/')[1] !== state.bucket) {
    refuse(response, 404, 'NoSuchBucket');
    return;
  }
  const problem = isLegacy(request, url)
    ? legacyProblem(state, request, url, rawKey)
    : signatureProblem(state, request, url, body);
  if (problem !== undefined) {
    refuse(response, 403, problem);
    return;
  }
  const key = decodeURIComponent(rawKey);
  const fault = state.faults.find((one) => one.left > 0 && one.method === request.method && key.includes(one.keyPart));
  if (fault !== undefined) {
    fault.left -= 1;
    return refuse(response, fault.status, 'Injected');
  }
  operate(state, { method: request.method ?? '', key, url, headers: request.headers, body }, response);
}

interface Operation {
  readonly method: string;
  readonly key: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

function operate(state: State, op: Operation, response: ServerResponse): void {
  const query = op.url.searchParams;
  if (op.method === 'GET' && op.key === '') {
    list(state, query, response);
    return;
  }
  if (op.method === 'POST' && query.has('uploads')) {
    startUpload(state, op, response);
    return;
  }
  const upload = state.uploads.get(query.get('uploadId') ?? '');
  if (query.has('uploadId') && upload === undefined) {
    refuse(response, 404, 'NoSuchUpload');
    return;
  }
  if (upload !== undefined) {
    continueUpload(state, op, upload, response);
    return;
  }
  const stored = state.objects.get(op.key);
  if (op.method === 'PUT') {
    store(state, op, op.body, response);
    return;
  }
  if (op.method === 'DELETE') {
    state.objects.delete(op.key);
    response.writeHead(204).end();
    return;
  }
  if (stored === undefined) {
    refuse(response, 404, 'NoSuchKey');
    return;
  }
  read(op, stored, response);
}

function read(op: Operation, stored: StoredObject, response: ServerResponse): void {
  const range = /^bytes=(\d+)-(\d+)$/.exec(op.headers.range ?? '');
  const part = range === null ? stored.body : stored.body.subarray(Number(range[1]), Number(range[2]) + 1);
  const headers: Record<string, string> = {
    'content-type': stored.contentType,
    'content-length': String(part.byteLength),
    'last-modified': new Date(0).toUTCString(),
  };
  if (range !== null) headers['content-range'] = `bytes ${range[1]}-${range[2]}/${stored.body.byteLength}`;
  response.writeHead(range === null ? 200 : 206, headers).end(op.method === 'HEAD' ? undefined : part);
}

function store(state: State, op: Operation, body: Buffer, response: ServerResponse): void {
  if (op.headers['if-none-match'] === '*' && state.objects.has(op.key)) {
    refuse(response, 412, 'PreconditionFailed');
    return;
  }
  state.objects.set(op.key, { body, contentType: op.headers['content-type'] ?? '' });
  response.writeHead(200, { etag: etagOf(body) }).end();
}

function startUpload(state: State, op: Operation, response: ServerResponse): void {
  const id = `${op.key}#${state.uploads.size}#${op.headers['content-type']}`;
  state.uploads.set(id, new Map());
  response.end(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
}

function continueUpload(state: State, op: Operation, upload: Map<number, Buffer>, response: ServerResponse): void {
  const id = op.url.searchParams.get('uploadId') ?? '';
  if (op.method === 'PUT') {
    upload.set(Number(op.url.searchParams.get('partNumber')), op.body);
    response.writeHead(200, { etag: etagOf(op.body) }).end();
    return;
  }
  state.uploads.delete(id);
  if (op.method === 'DELETE') {
    response.writeHead(204).end();
    return;
  }
  const ordered = [...upload].sort(([one], [other]) => one - other).map(([, part]) => part);
  const contentType = id.split('#')[2] ?? '';
  store(state, { ...op, headers: { ...op.headers, 'content-type': contentType } }, Buffer.concat(ordered), response);
}

function list(state: State, query: URLSearchParams, response: ServerResponse): void {
  const after = query.get('continuation-token') ?? '';
  const names = [...state.objects.keys()]
    .sort()
    .filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after);
  const page = names.slice(0, state.pageSize ?? 1000);
  const last = page.at(-1);
  const rows = page.map((key) => {
    const escaped = key.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    return `<Contents><Key>${escaped}</Key><Size>${state.objects.get(key)?.body.byteLength}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`;
  });
  const more =
    page.length < names.length
      ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${last}</NextContinuationToken>`
      : '<IsTruncated>false</IsTruncated>';
  response.end(`<?xml version="1.0"?><ListBucketResult>${more}${rows.join('')}</ListBucketResult>`);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`);
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

/** Recomputes the signature from the request as received; `undefined` when it holds. */
function signatureProblem(state: State, request: IncomingMessage, url: URL, body: Buffer): string | undefined {
  const presigned = url.searchParams.has('X-Amz-Signature');
  const given = presigned ? fromQuery(url) : fromHeader(request);
  if (given === undefined) return 'AccessDenied';
  const [accessKey, date, region, service] = given.credential.split('/');
  if (accessKey !== state.accessKey) return 'InvalidAccessKeyId';
  if (region !== state.region || service !== 's3') return 'AuthorizationHeaderMalformed';
  if (presigned && Date.now() > parseAmzDate(given.amzDate) + given.expiresS * 1000) return 'ExpiredToken';
  const announced = String(request.headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD');
  if (/^[0-9a-f]{64}$/.test(announced) && announced !== createHash('sha256').update(body).digest('hex'))
    return 'XAmzContentSHA256Mismatch';
  const canonical = [
    request.method,
    url.pathname,
    canonicalQuery(url),
    ...given.signedHeaders.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}`),
    '',
    given.signedHeaders.join(';'),
    presigned ? 'UNSIGNED-PAYLOAD' : announced,
  ].join('\n');
  const scope = `${date}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', given.amzDate, scope, createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  );
  const key = [date ?? '', region, 's3', 'aws4_request'].reduce<Buffer>(
    (one, part) => hmac(one, part),
    Buffer.from(`AWS4${state.secretKey}`),
  );
  return hmac(key, text).toString('hex') === given.signature ? undefined : 'SignatureDoesNotMatch';
}

function fromQuery(url: URL) {
  const value = (name: string) => url.searchParams.get(`X-Amz-${name}`) ?? '';
  return {
    credential: value('Credential'),
    signature: value('Signature'),
    amzDate: value('Date'),
    signedHeaders: value('SignedHeaders').split(';'),
    expiresS: Number(value('Expires')),
  };
}

function fromHeader(request: IncomingMessage) {
  const match = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    request.headers.authorization ?? '',
  );
  if (match === null) return undefined;
  return {
    credential: match[1] ?? '',
    signedHeaders: (match[2] ?? '').split(';'),
    signature: match[3] ?? '',
    amzDate: String(request.headers['x-amz-date'] ?? ''),
    expiresS: 0,
  };
}

function canonicalQuery(url: URL): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  return [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}

function parseAmzDate(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
