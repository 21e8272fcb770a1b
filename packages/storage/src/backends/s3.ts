// S3Backend (files.md §5): the same tree as on disk, below `<usage>/<tenant>/`. One client per credential set; memory per
// upload is bounded by one part; only a 404 means "absent" (F43).
import type { ByteRange, ListedFile, ManageableBackend } from '../backend.ts';
import { storageError } from '../errors.ts';
import type { FileName } from '../names.ts';
import { signingWindow } from '../signed-url.ts';
import type { Usage } from '../usages.ts';
import { createS3Client, type S3Client } from './s3-client.ts';
import { bucketUrl, escapeKey, publicUrl, type S3Options } from './s3-config.ts';
import { listObjects } from './s3-listing.ts';
import { uploadObject } from './s3-upload.ts';

export interface S3BackendOptions extends S3Options {
  readonly usage: Usage;
}

export interface S3Backend extends ManageableBackend {
  /**
   * An address to which whoever has it may send one file by PUT, from `nowMs` on for the life of URLs. What is sent is neither
   * checked nor cleaned: for people who may write to the bucket anyway. No network call.
   */
  uploadUrl(name: FileName, options: { readonly tenant: string; readonly nowMs: number }): Promise<string>;
}

export function createS3Backend(options: S3BackendOptions): S3Backend {
  const client = createS3Client(options);
  const prefix = (tenant: string) => `${options.usage}/${tenant}/`;
  const keyOf = (name: string, tenant: string) => prefix(tenant) + name;
  const exists = (name: FileName, tenant: string) => hasObject(client, keyOf(name, tenant));

  return {
    name: 's3',
    recognises: () => true,
    list: (tenant) => withoutPrefix(listObjects(client, prefix(tenant)), prefix(tenant)),
    url: (value, context) => presign(client, options, keyOf(value, context.tenant), context.nowMs),
    uploadUrl: (name, { tenant, nowMs }) =>
      client.presign(bucketUrl(options) + escapeKey(keyOf(name, tenant)), {
        method: 'PUT',
        key: keyOf(name, tenant),
        startMs: nowMs,
        expiresS: Math.floor(options.urlLifeMs / 1000),
      }),
    manageable: async () => ({ manageable: true }),
    async put(name, content, put) {
      if (put.overwrite !== true && (await exists(name, put.tenant))) throw taken(name);
      return uploadObject(client, { ...put, key: keyOf(name, put.tenant), name, content });
    },
    get: (name, { tenant, range }) => getObject(client, name, keyOf(name, tenant), range),
    async delete(name, { tenant }) {
      const found = await exists(name, tenant);
      if (found) await client.send('DELETE', keyOf(name, tenant), { accept: [200, 204, 404] });
      return found;
    },
    exists: (name, { tenant }) => exists(name, tenant),
  };
}

async function presign(client: S3Client, options: S3Options, key: string, nowMs: number): Promise<string> {
  const { startMs } = signingWindow(nowMs, options.urlLifeMs);
  const target = publicUrl(options);
  const expiresS = Math.floor(options.urlLifeMs / 1000);
  const presigned = { method: 'GET', key, startMs, expiresS } as const;
  if (!target.rewrite) return client.presign(`${target.base}${escapeKey(key)}`, presigned);
  const own = bucketUrl(options);
  const signed = await client.presign(`${own}${escapeKey(key)}`, presigned);
  return target.base + signed.slice(own.length);
}

async function* withoutPrefix(found: AsyncIterable<ListedFile>, prefix: string): AsyncIterable<ListedFile> {
  for await (const file of found) {
    if (!file.name.endsWith('/')) yield { ...file, name: file.name.slice(prefix.length) };
  }
}

async function hasObject(client: S3Client, key: string): Promise<boolean> {
  const answer = await client.send('HEAD', key, { accept: [200, 404] });
  return answer.status === 200;
}

async function getObject(client: S3Client, name: string, key: string, range: ByteRange | undefined) {
  const headers: Record<string, string> = range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` };
  const answer = await client.send('GET', key, { headers, accept: [200, 206, 404] });
  if (answer.status === 404 || answer.body === null) {
    throw storageError('ERR_STORAGE_NOT_FOUND', `File "${name}" does not exist.`, 'Check the name.');
  }
  const whole = answer.headers.get('content-range')?.split('/')[1] ?? answer.headers.get('content-length') ?? '0';
  const modifiedAt = new Date(answer.headers.get('last-modified') ?? 0);
  return { stream: answer.body, size: Number(whole), modifiedAt };
}

function taken(name: string) {
  return storageError('ERR_STORAGE_EXISTS', `A file named "${name}" already exists.`, 'Choose another name.');
}
