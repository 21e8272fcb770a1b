// Uploads with one part in memory (files.md §15.2 "S3 multipart"): small files by one PutObject, larger ones in parts; a
// failure aborts the multipart upload, so nothing stays behind.
import { createHash } from 'node:crypto';
import { XMLParser } from 'fast-xml-parser';
import type { PutOptions } from '../backend.ts';
import { storageError } from '../errors.ts';
import type { FileName } from '../names.ts';
import { tooLarge } from './file.ts';
import type { S3Client } from './s3-client.ts';

const partBytes = 8 * 1024 * 1024;

export interface Upload extends PutOptions {
  readonly key: string;
  readonly name: FileName;
  readonly content: AsyncIterable<Uint8Array>;
}

export async function uploadObject(client: S3Client, upload: Upload): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  let size = 0;
  let multipart: Multipart | undefined;
  try {
    for await (const { part, last } of parts(upload)) {
      size += part.byteLength;
      hash.update(part);
      if (last && multipart === undefined) await putWhole(client, upload, part);
      else {
        multipart ??= await startMultipart(client, upload);
        await sendPart(client, upload, multipart, part);
      }
    }
    if (multipart !== undefined) await completeMultipart(client, upload, multipart);
  } catch (error) {
    if (multipart !== undefined) await abortMultipart(client, upload, multipart);
    throw error;
  }
  return { size, sha256: hash.digest('hex') };
}

interface Multipart {
  readonly uploadId: string;
  readonly etags: string[];
}

/**
 * Cuts the content into parts of `partBytes`; the last one may be shorter, or empty for an empty file. All of them in the same
 * memory: a part has to be sent before the next is asked for.
 */
async function* parts(upload: Upload): AsyncIterable<{ part: Buffer<ArrayBuffer>; last: boolean }> {
  const part = Buffer.allocUnsafeSlow(partBytes); // its pages are taken as they are filled
  let filled = 0;
  let total = 0;
  for await (const chunk of upload.content) {
    upload.signal?.throwIfAborted();
    total += chunk.byteLength;
    if (upload.maxBytes !== undefined && total > upload.maxBytes) throw tooLarge(upload.name, upload.maxBytes);
    for (let at = 0; at < chunk.byteLength; ) {
      if (filled === partBytes) {
        yield { part, last: false };
        filled = 0;
      }
      const piece = chunk.subarray(at, at + partBytes - filled);
      part.set(piece, filled);
      at += piece.byteLength;
      filled += piece.byteLength;
    }
  }
  yield { part: part.subarray(0, filled), last: true };
}

function writeHeaders(client: S3Client, upload: Upload): Record<string, string> {
  const acl = client.options.acl;
  return { 'content-type': upload.contentType, ...(acl === undefined ? {} : { 'x-amz-acl': acl }) };
}

/** Refuses replacement in the service itself, where it knows conditional writes. */
function condition(upload: Upload): Record<string, string> {
  return upload.overwrite === true ? {} : { 'if-none-match': '*' };
}

async function putWhole(client: S3Client, upload: Upload, body: Buffer<ArrayBuffer>): Promise<void> {
  const headers = { ...writeHeaders(client, upload), ...condition(upload) };
  await client.send('PUT', upload.key, { headers, body, accept: [200], ...signalOf(upload) });
}

async function startMultipart(client: S3Client, upload: Upload): Promise<Multipart> {
  const request = { query: { uploads: '' }, headers: writeHeaders(client, upload), accept: [200], ...signalOf(upload) };
  const text = await (await client.send('POST', upload.key, request)).text();
  const uploadId: unknown = new XMLParser({ parseTagValue: false }).parse(text)?.InitiateMultipartUploadResult
    ?.UploadId;
  if (typeof uploadId === 'string' && uploadId !== '') return { uploadId, etags: [] };
  const hint = 'Check that endpoint names an S3 service.';
  throw storageError('ERR_STORAGE_UNAVAILABLE', 'The S3 service started no multipart upload.', hint);
}

async function sendPart(
  client: S3Client,
  upload: Upload,
  multipart: Multipart,
  body: Buffer<ArrayBuffer>,
): Promise<void> {
  const query = { partNumber: String(multipart.etags.length + 1), uploadId: multipart.uploadId };
  const answer = await client.send('PUT', upload.key, { query, body, accept: [200], ...signalOf(upload) });
  multipart.etags.push(answer.headers.get('etag') ?? '');
}

async function completeMultipart(client: S3Client, upload: Upload, multipart: Multipart): Promise<void> {
  const rows = multipart.etags.map((etag, index) => {
    return `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag.replaceAll('"', '&quot;')}</ETag></Part>`;
  });
  const body = Buffer.from(`<CompleteMultipartUpload>${rows.join('')}</CompleteMultipartUpload>`);
  const query = { uploadId: multipart.uploadId };
  const answer = await client.send('POST', upload.key, {
    query,
    headers: condition(upload),
    body,
    accept: [200],
    ...signalOf(upload),
  });
  const text = await answer.text();
  if (!text.includes('<Error>')) return; // the service may answer 200 and report a failure in the body
  throw storageError('ERR_STORAGE_UNAVAILABLE', `The S3 service did not complete "${upload.name}".`, 'Try again.');
}

async function abortMultipart(client: S3Client, upload: Upload, multipart: Multipart): Promise<void> {
  const query = { uploadId: multipart.uploadId };
  // Should the service be gone, its own life-cycle rule for stale uploads is all that is left; the first error matters.
  await client.send('DELETE', upload.key, { query, accept: [200, 204, 404] }).catch(() => undefined);
}

function signalOf(upload: Upload): { signal?: AbortSignal } {
  return upload.signal === undefined ? {} : { signal: upload.signal };
}
