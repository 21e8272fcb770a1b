// `POST /admin/file/` (files.md §8.2): checks in the contract's order, then stores as it arrives. Clients that put the name
// behind the file are served too: their file waits in a temporary one, never in memory.
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isApiUsage, parseFileName, type SavedFile, storageError } from '@gatehouse/storage';
import { ApiFailure } from '../api/failure.ts';
import { type CoreFiles, tenant } from './core-files.ts';
import { readForm } from './form.ts';

export interface Received extends SavedFile {
  /** A file of this name was there before. */
  readonly replaced: boolean;
}

/**
 * @param replace whether a file of that name may be there
 * @throws ApiFailure, GatewayError of the storage; nothing half-written stays behind
 */
export async function receiveUpload(files: CoreFiles, request: IncomingMessage, replace = false): Promise<Received> {
  refuseAnnouncedSize(files, request);
  const waiting: { path?: string } = {};
  try {
    const form = await readForm(request, async ({ fileName, fields, content }) => {
      if (fields.has('name')) return { saved: await store(files, nameOf(fields, fileName), fields, content, replace) };
      const folder = await mkdtemp(join(tmpdir(), 'gatehouse-upload-'));
      waiting.path = folder;
      const path = join(folder, 'file');
      await pipeline(content, (stream) => limited(stream, files.maxBytes), createWriteStream(path, { mode: 0o600 }));
      return { path, fileName };
    });
    const { file, fields } = form;
    if (file === undefined) throw new ApiFailure(400, { file: ['No file was submitted.'] });
    if (file.saved !== undefined) return file.saved;
    return await store(files, nameOf(fields, file.fileName), fields, createReadStream(file.path), replace);
  } finally {
    if (waiting.path !== undefined) await rm(waiting.path, { recursive: true, force: true });
  }
}

/** Saves before all bytes are sent: what announces more than may be is not read. */
function refuseAnnouncedSize(files: CoreFiles, request: IncomingMessage): void {
  const announced = Number(request.headers['content-length'] ?? 0);
  const roomForTheForm = 65_536;
  if (announced > files.maxBytes + roomForTheForm) throw tooLarge(files.maxBytes, announced);
}

function nameOf(fields: ReadonlyMap<string, string>, fileName: string): string {
  return (fields.get('name') ?? '').trim() || fileName;
}

async function store(
  files: CoreFiles,
  name: string,
  fields: ReadonlyMap<string, string>,
  content: AsyncIterable<Uint8Array>,
  replace: boolean,
): Promise<Received> {
  const usage = (fields.get('usage') ?? 'media').trim();
  if (!isApiUsage(usage)) throw new ApiFailure(400, [`"${usage}" is not a valid choice.`]);
  const fileName = parseFileName(name);
  const manageable = await files[usage].manageable();
  if (!manageable.manageable) throw notManageable(manageable.reason);
  const replaced = replace && (await files[usage].exists(fileName, tenant));
  const saved = await files[usage].save(fileName, limited(notEmpty(content), files.maxBytes), {
    tenant,
    overwrite: replace,
  });
  return { ...saved, replaced };
}

/** Uploads that cannot be stored in this deployment (files.md §8.2). */
export function notManageable(reason: string) {
  const hint = 'Set storage.media.backend, storage.file.path and the rights of that folder.';
  return storageError('ERR_STORAGE_NOT_MANAGEABLE', `Files cannot be stored: ${reason}.`, hint);
}

async function* limited(content: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(maxBytes, bytes);
    yield chunk;
  }
}

async function* notEmpty(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.byteLength;
    yield chunk;
  }
  if (bytes === 0) throw new ApiFailure(400, { file: ['The submitted file is empty.'] });
}

function tooLarge(maxBytes: number, bytes: number): ApiFailure {
  return new ApiFailure(400, { file: [`File is larger than ${maxBytes} bytes (${bytes} or more were sent).`] });
}
