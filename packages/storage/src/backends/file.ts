// FileBackend (files.md §4): `<base>/<usage>/<tenant>/<name>`. A file appears complete or not at all: it is written under
// a hidden name, flushed, then linked into place without replacing, which makes "must not exist" atomic.
import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { ByteRange, ListedFile, ManageableBackend, PutOptions } from '../backend.ts';
import { storageError } from '../errors.ts';
import type { FileName } from '../names.ts';
import { createUrlSigner, signedTarget } from '../signed-url.ts';
import type { Usage } from '../usages.ts';

export interface FileBackendOptions {
  readonly basePath: string;
  readonly usage: Usage;
  readonly webPath: string;
  readonly signingKey: Uint8Array;
  readonly urlLifeMs: number;
  /** Uploads only where the folder is a mount point, for containers that would lose them (files.md §4.2). */
  readonly requireMount?: boolean;
}

const hiddenPrefix = '.upload-';

export function createFileBackend(options: FileBackendOptions): ManageableBackend {
  const signer = createUrlSigner(options.signingKey, options.urlLifeMs);
  const webPath = options.webPath.replace(/\/*$/, '/');
  const root = (tenant: string) => join(options.basePath, options.usage, tenantFolder(tenant));
  const pathOf = (name: FileName, tenant: string) => join(root(tenant), name);

  return {
    name: 'file',
    recognises: () => true,
    list: (tenant) => walk(root(tenant), root(tenant)),
    async url(value, context) {
      const path = `${options.usage}/${context.tenant}/${value}` as const;
      return `${context.origin ?? ''}${await signedTarget(signer, { path, webPath, nowMs: context.nowMs })}`;
    },
    async manageable() {
      const folder = join(options.basePath, options.usage);
      const probe = join(folder, `${hiddenPrefix}probe-${randomBytes(6).toString('hex')}`);
      try {
        await mkdir(folder, { recursive: true });
        await (await open(probe, 'wx')).close();
        await unlink(probe);
        if (options.requireMount === true && !(await isMountPoint(options.basePath)) && !(await isMountPoint(folder)))
          return { manageable: false, reason: `neither ${options.basePath} nor ${folder} is a mount point` };
        return { manageable: true };
      } catch (error) {
        return { manageable: false, reason: `folder ${folder} is not writable (${codeOf(error)})` };
      }
    },
    put: (name, content, put) => writeWhole(pathOf(name, put.tenant), name, content, put),
    async get(name, { tenant, range }) {
      const path = pathOf(name, tenant);
      const handle = await openRegular(path, name);
      const { size, mtime } = await handle.stat();
      return { stream: readStream(handle, range), size, modifiedAt: mtime };
    },
    async delete(name, { tenant }) {
      const path = pathOf(name, tenant);
      const found = await statOrUndefined(path);
      if (found === undefined) return false;
      if (found.isDirectory()) throw storageError('ERR_STORAGE_INVALID_NAME', `"${name}" is a folder.`, 'Name a file.');
      await unlink(path).catch((error: unknown) => Promise.reject(fault(error, name)));
      await pruneEmpty(dirname(path), root(tenant));
      return true;
    },
    async exists(name, { tenant }) {
      return (await statOrUndefined(pathOf(name, tenant))) !== undefined;
    },
  };
}

/** A folder on another device than the one that holds it. */
async function isMountPoint(folder: string): Promise<boolean> {
  const [own, above] = [await lstat(folder), await lstat(join(folder, '..'))];
  return own.dev !== above.dev || own.ino === above.ino;
}

async function writeWhole(path: string, name: FileName, content: AsyncIterable<Uint8Array>, put: PutOptions) {
  const folder = dirname(path);
  const hidden = join(folder, `${hiddenPrefix}${randomBytes(8).toString('hex')}`);
  try {
    await mkdir(folder, { recursive: true });
    const written = await writeHidden(hidden, name, content, put);
    if (put.overwrite === true) await rename(hidden, path);
    else await link(hidden, path).finally(() => unlink(hidden));
    await flushFolder(folder);
    return written;
  } catch (error) {
    await unlink(hidden).catch(() => undefined); // it is gone already where the failure came after the rename
    throw fault(error, name);
  }
}

async function writeHidden(hidden: string, name: FileName, content: AsyncIterable<Uint8Array>, put: PutOptions) {
  const hash = createHash('sha256');
  let size = 0;
  const handle = await open(hidden, 'wx', 0o640);
  try {
    for await (const chunk of content) {
      put.signal?.throwIfAborted();
      size += chunk.byteLength;
      if (put.maxBytes !== undefined && size > put.maxBytes) throw tooLarge(name, put.maxBytes);
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { size, sha256: hash.digest('hex') };
}

/** Refusal of an upload that goes past its limit. */
export function tooLarge(name: string, maxBytes: number) {
  return storageError(
    'ERR_STORAGE_TOO_LARGE',
    `File "${name}" is larger than ${maxBytes} bytes.`,
    'Upload a smaller file.',
  );
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync().finally(() => handle.close());
}

async function openRegular(path: string, name: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    throw fault(error, name);
  });
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw storageError('ERR_STORAGE_NOT_FOUND', `"${name}" is not a file.`, 'Check the name.');
}

function readStream(handle: FileHandle, range: ByteRange | undefined): AsyncIterable<Uint8Array> {
  return createReadStream('', { fd: handle, ...(range === undefined ? {} : { start: range.start, end: range.end }) });
}

async function* walk(folder: string, root: string): AsyncIterable<ListedFile> {
  const entries = await opendir(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw fault(error, folder);
  });
  if (entries === undefined) return;
  for await (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path, root);
    else if (entry.isFile() && !entry.name.startsWith(hiddenPrefix)) {
      const found = await statOrUndefined(path);
      if (found === undefined) continue;
      yield { name: relative(root, path).split(sep).join('/'), size: found.size, modifiedAt: found.mtime };
    }
  }
}

async function statOrUndefined(path: string) {
  return lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw fault(error, path);
  });
}

async function pruneEmpty(folder: string, stop: string): Promise<void> {
  if (folder === stop || !folder.startsWith(stop)) return;
  const removed = await rmdir(folder).then(
    () => true,
    () => false,
  ); // not empty, or somebody was faster: either way it stays
  if (removed) await pruneEmpty(dirname(folder), stop);
}

function tenantFolder(tenant: string): string {
  if (/^[a-z0-9_]{1,63}$/i.test(tenant)) return tenant;
  throw storageError(
    'ERR_STORAGE_INVALID_NAME',
    `Tenant "${tenant}" is not a schema name.`,
    'Use letters, digits and _.',
  );
}

function fault(error: unknown, name: string): unknown {
  const code = codeOf(error);
  if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR') {
    return storageError(
      'ERR_STORAGE_EXISTS',
      `A file or folder stands in the way of "${name}".`,
      'Choose another name.',
      error,
    );
  }
  if (code === 'ENOENT' || code === 'ELOOP') {
    return storageError('ERR_STORAGE_NOT_FOUND', `File "${name}" does not exist.`, 'Check the name.', error);
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return storageError(
      'ERR_STORAGE_FORBIDDEN',
      `File "${name}" cannot be written or read (${code}).`,
      'Check the owner of the data folder.',
      error,
    );
  }
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO' || code === 'EMFILE') {
    return storageError(
      'ERR_STORAGE_UNAVAILABLE',
      `File "${name}" could not be stored (${code}).`,
      'Free space on the data folder, then try again.',
      error,
    );
  }
  return error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
}
